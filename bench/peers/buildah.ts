import { toolPath } from '../tools.ts';
import type { Job, Peer, Step } from '../types.ts';
import { download, filesOf } from './hf.ts';
import { storage } from './podman.ts';

/** The same engine as used by an expert: no build context, and committed straight into the registry. */
export const buildah: Peer = {
  name: 'buildah',
  title: () => 'buildah copy + commit --squash',
  kinds: ['push', 'hub'],
  needs: ['buildah'],
  prepare: async (job) => [await step(job, 'pull', '--quiet', '--tls-verify=false', job.base)],
  async steps(job, kind) {
    const steps = kind === 'hub' ? await download(job) : [];
    for (const model of job.models) {
      const { name, repository } = model;
      const copy = [
        'copy',
        '--quiet',
        '--chown=1001:0',
        '--chmod=0755',
        name,
        filesOf(job, model),
        '/models/',
      ];
      const commit = ['commit', '--quiet', '--rm', '--squash', '--tls-verify=false', name];
      steps.push(
        await step(job, 'from', '--quiet', '--tls-verify=false', '--name', name, job.base),
        await step(job, ...copy),
        await step(job, 'config', '--user=1001', name),
        await step(job, ...commit, `docker://${repository}:v1`),
      );
    }
    return steps;
  },
  clean: (job) => [{ program: 'buildah', args: [...storage(job), 'unmount', '--all'] }],
};

async function step(job: Job, ...args: string[]): Promise<Step> {
  return { program: await toolPath('buildah'), args: [...storage(job), ...args] };
}
