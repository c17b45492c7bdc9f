import type { SmokeResult } from '../kserve/types.ts';
import type { Flags } from './args/build.ts';
import type { Context } from './command.ts';
import { outcomeColumns, report } from './output/report.ts';
import { printResults, provenModels, runSmoke } from './output/smoke-screen.ts';
import { openRun } from './run-options.ts';

/** `all` and `push --smoke`: models that fail the smoke test are not pushed. */
export async function runGate(command: string, flags: Flags, context: Context): Promise<0 | 1> {
  const options = await openRun(flags, context);
  const { pushVerified } = await import('../pipeline/push-verified.ts');
  let results: SmokeResult[] = [];
  const outcomes = await pushVerified({
    ...options,
    output: flags.output,
    async smoke(models) {
      results = await runSmoke({ ...options, models }, { layout: flags.output }, flags, context);
      return provenModels(results);
    },
  });
  context.progress.stop();
  if (!flags.json && results.length > 0) {
    printResults(results, context);
    context.print('');
  }
  const { name, digest, size, sent, tags } = outcomeColumns;
  return report(command, outcomes, [name, digest, size, sent, tags], flags, context, { smoke: results });
}
