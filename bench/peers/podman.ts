import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toolPath } from '../tools.ts';
import type { BenchModel, Job, Peer, Step } from '../types.ts';
import { download, filesOf } from './hf.ts';

/** As in the documentation of KServe and Red Hat, with one COPY that sets the modes, and --squash. */
export const podman: Peer = {
  name: 'podman',
  title: () => 'podman build --squash + push',
  kinds: ['push', 'hub'],
  needs: ['podman'],
  prepare: async (job) => [await step(job, 'pull', '--quiet', '--tls-verify=false', job.base)],
  async steps(job, kind) {
    const steps = kind === 'hub' ? await download(job) : [];
    for (const model of job.models) steps.push(...(await buildAndPush(job, model)));
    return steps;
  },
  // An overlay that is still mounted cannot be removed.
  clean: (job) => [{ program: 'podman', args: [...storage(job), 'unmount', '--all', '--force'] }],
};

async function buildAndPush(job: Job, model: BenchModel): Promise<Step[]> {
  const recipe = join(job.folder, `Containerfile.${model.name}`);
  const copy = 'COPY --chown=1001:0 --chmod=0755 . /models/';
  await writeFile(recipe, `FROM ${job.base}\n${copy}\nUSER 1001\n`);
  const image = `${model.repository}:v1`;
  const build = ['build', '--quiet', '--squash', '--format=oci', '--tls-verify=false', '--file', recipe];
  return [
    await step(job, ...build, '--tag', image, filesOf(job, model)),
    await step(job, 'push', '--quiet', '--tls-verify=false', image),
  ];
}

async function step(job: Job, ...args: string[]): Promise<Step> {
  return { program: await toolPath('podman'), args: [...storage(job), ...args] };
}

/** Separate storage below the job's folder; the rest as in tests/parts/podman.ts. */
export function storage({ folder }: Job): string[] {
  return ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run', 'storage')];
}
