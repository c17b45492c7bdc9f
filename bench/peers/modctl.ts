import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toolPath } from '../tools.ts';
import type { BenchModel, Job, Peer, Step } from '../types.ts';
import { download, filesOf } from './hf.ts';

/**
 * ModelPack's tool, streaming: no base and no tar, each file is pushed unchanged as a blob. The result is not a
 * container image, so a node needs a separate driver to mount it.
 */
export const modctl: Peer = {
  name: 'modctl',
  title: () => 'modctl build --output-remote',
  kinds: ['push', 'hub'],
  needs: ['modctl'],
  noBase: true,
  async steps(job, kind) {
    const steps = kind === 'hub' ? await download(job) : [];
    for (const model of job.models) steps.push(await build(job, model));
    return steps;
  },
};

async function build(job: Job, model: BenchModel): Promise<Step> {
  const recipe = join(job.folder, `Modelfile.${model.name}`);
  const kinds = model.files.map((file) => `${kindOf(file)} ${file}`);
  await writeFile(recipe, [`NAME ${model.name}`, ...kinds, ''].join('\n'));
  const place = ['--storage-dir', join(job.folder, 'modctl')];
  const flags = ['--plain-http', '--output-remote', '--target', `${model.repository}:v1`];
  const args = ['build', ...place, ...flags, '--modelfile', recipe, filesOf(job, model)];
  return { program: await toolPath('modctl'), args };
}

function kindOf(file: string): string {
  if (/\.(md|txt)$/i.test(file)) return 'DOC';
  return file.endsWith('.json') ? 'CONFIG' : 'MODEL';
}
