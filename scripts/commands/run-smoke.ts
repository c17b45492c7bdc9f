import { writeTextAtomically } from '../files/atomic.ts';
import type { SmokeResult } from '../kserve/types.ts';
import type { Recorded } from '../pipeline/record-smoke.ts';
import type { RunOptions } from '../pipeline/types.ts';
import { type SmokeValues, smoking } from './args/kserve.ts';
import { pick } from './args/values.ts';
import type { CommandIO } from './command.ts';

/** Smoke-tests the models according to the arguments, and writes the report of `--junit`. */
export async function runSmoke(
  options: RunOptions,
  from: { layout: string } | { registry: true },
  args: SmokeValues,
  { masker }: CommandIO,
): Promise<SmokeResult[]> {
  const { smokeModels } = await import('../pipeline/smoke.ts');
  const results = await smokeModels({ ...options, from, wishes: pick(args, smoking) });
  await writeJunit(args, results, masker);
  return results;
}

/** The same, and records the answers in models.yaml. */
export async function runRecording(
  options: RunOptions,
  from: { layout: string } | { registry: true },
  args: SmokeValues,
  { masker }: CommandIO,
): Promise<{ results: SmokeResult[]; recorded: Recorded[] }> {
  const { recordAnswers } = await import('../pipeline/record-smoke.ts');
  const all = await recordAnswers({ ...options, from, wishes: pick(args, smoking) });
  await writeJunit(args, all.results, masker);
  return all;
}

async function writeJunit(
  { junit: file }: SmokeValues,
  results: readonly SmokeResult[],
  masker: CommandIO['masker'],
): Promise<void> {
  if (file === undefined) return;
  const { junit } = await import('../kserve/smoke/junit.ts');
  await writeTextAtomically(
    file,
    junit(results, (text) => masker.mask(text)),
  );
}
