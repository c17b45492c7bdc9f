import { join } from 'node:path';
import { toolPath } from '../tools.ts';
import type { Peer, Step } from '../types.ts';
import { download, filesOf } from './hf.ts';

/** As in olot's README: fetch the base as a layout, add the files, copy the layout to the registry. */
export const olot: Peer = {
  name: 'olot',
  title: (kind) => (kind === 'layout' ? 'olot' : 'olot + skopeo copy'),
  kinds: ['push', 'hub', 'layout'],
  needs: ['olot', 'skopeo'],
  async steps(job, kind) {
    const steps = kind === 'hub' ? await download(job) : [];
    const [program, skopeo] = [await toolPath('olot'), await toolPath('skopeo')];
    for (const model of job.models) {
      const layout = join(job.folder, `layout-${model.name}`);
      const files = filesOf(job, model);
      const paths = model.files.map((file) => join(files, file));
      steps.push(
        // The layout of an earlier run would get the files a second time.
        { program: 'rm', args: ['-rf', layout] },
        copy(skopeo, ['--src-tls-verify=false'], `docker://${job.base}`, `oci:${layout}:latest`),
        { program, args: ['--root-dir', files, layout, ...paths] },
      );
      if (kind === 'layout') continue;
      steps.push(
        copy(skopeo, ['--dest-tls-verify=false'], `oci:${layout}:latest`, `docker://${model.repository}:v1`),
      );
    }
    return steps;
  },
};

function copy(skopeo: string, flags: string[], from: string, to: string): Step {
  return { program: skopeo, args: ['--insecure-policy', 'copy', '--quiet', ...flags, from, to] };
}
