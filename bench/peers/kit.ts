import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { toolPath } from '../tools.ts';
import type { BenchModel, Job, Peer, Step } from '../types.ts';
import { download, filesOf } from './hf.ts';

/**
 * KitOps: each file becomes a tar layer in kit's own store, then goes to the registry. Without a base, so the result is
 * not a container image.
 */
export const kit: Peer = {
  name: 'kit',
  title: (kind) => (kind === 'layout' ? 'kit pack' : 'kit pack + push'),
  kinds: ['push', 'hub', 'layout'],
  needs: ['kit'],
  noBase: true,
  async steps(job, kind) {
    const steps = kind === 'hub' ? await download(job) : [];
    const program = await toolPath('kit');
    const common = ['--config', join(job.folder, 'kit'), '--progress', 'none'];
    for (const model of job.models) {
      const image = `${model.repository}:v1`;
      const recipe = await writeRecipe(job, model);
      steps.push({
        program,
        args: ['pack', ...common, '--file', recipe, '--tag', image, filesOf(job, model)],
      });
      const push: Step = { program, args: ['push', ...common, '--plain-http', image] };
      if (kind !== 'layout') steps.push(push);
    }
    return steps;
  },
};

async function writeRecipe(job: Job, { name, files }: BenchModel): Promise<string> {
  const recipe = join(job.folder, `Kitfile.${name}`);
  const docs = files.filter((file) => file.endsWith('.md'));
  const [first = '', ...parts] = files.filter((file) => !file.endsWith('.md'));
  const kitfile = {
    manifestVersion: '1.0.0',
    package: { name },
    model: { name, path: first, parts: parts.map((path) => ({ path })) },
    docs: docs.map((path) => ({ path })),
  };
  await writeFile(recipe, stringify(kitfile));
  return recipe;
}
