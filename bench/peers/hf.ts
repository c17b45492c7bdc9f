/** `hf download`, the first step for every tool that does not read the hub. */
import { join } from 'node:path';
import { toolPath } from '../tools.ts';
import type { BenchModel, Job, Step } from '../types.ts';

/** Downloads each model into a separate folder. */
export async function download(job: Job): Promise<Step[]> {
  const program = await toolPath('hf');
  return job.models.map((model) => ({
    program,
    args: ['download', `bench/${model.name}`, '--local-dir', filesOf(job, model)],
  }));
}

/** Where a tool finds the model's files: in their original folder, or where `download` puts them. */
export function filesOf({ hub, folder }: Job, model: BenchModel): string {
  return hub === undefined ? model.folder : join(folder, 'downloads', model.name);
}
