import type { SmokeResult } from '../kserve/types.ts';
import { outputLayout } from './args/build.ts';
import type { SmokeValues } from './args/kserve.ts';
import type { CommandIO } from './command.ts';
import { report } from './output/report.ts';
import { printResults, provenModels } from './output/smoke-screen.ts';
import { pushColumns, readSigning, type SigningValues } from './push-signing.ts';
import { openRun } from './run-options.ts';
import { runSmoke } from './run-smoke.ts';

type PushValues = Parameters<typeof openRun>[0] &
  SmokeValues &
  SigningValues & { output: string | undefined; createRepository: boolean; json: boolean; dryRun: boolean };

/** `all` and `push --smoke`: models that fail the smoke test are not pushed. */
export async function runPushVerified(
  command: 'all' | 'push',
  args: PushValues,
  io: CommandIO,
): Promise<0 | 1> {
  const options = await openRun(args, io);
  const output = outputLayout(args.output);
  const { pushVerified } = await import('../pipeline/push-verified.ts');
  let results: SmokeResult[] = [];
  const outcomes = await pushVerified({
    ...options,
    output,
    createRepository: args.createRepository,
    ...readSigning(args),
    async smoke(models) {
      results = await runSmoke({ ...options, models }, { layout: output }, args, io);
      return provenModels(results);
    },
  });
  io.progress.stop();
  if (!args.json && results.length > 0) {
    printResults(results, io);
    io.print('');
  }
  return report(command, outcomes, pushColumns(args, options, results), args, io, { smoke: results });
}
