import { writeTextAtomically } from '../files/atomic.ts';
import type { SmokeResult } from '../kserve/types.ts';
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
  if (args.junit !== undefined) {
    const { junit } = await import('../kserve/smoke/junit.ts');
    await writeTextAtomically(
      args.junit,
      junit(results, (text) => masker.mask(text)),
    );
  }
  return results;
}
