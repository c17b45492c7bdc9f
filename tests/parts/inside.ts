/** The program in the process of the test, with the settings of cli.ts: for tests of what commands do to catalogs. */
import { modelcarsInside } from '../support/run-inside.ts';
import { type CliSettings, surroundings } from './cli.ts';
import type { Result } from './run.ts';

/**
 * Like `tryModelcars`, without a process: in a tenth of the time. One run at a time; not for tests of signals, of memory
 * or of what is left behind by a run that was killed.
 */
export async function tryInside(args: string[], settings: CliSettings): Promise<Result> {
  const { cwd, env = {} } = surroundings(settings);
  return await modelcarsInside(args, { cwd, env });
}

/** The same, and expects exit code 0. Returns stdout. */
export async function inside(args: string[], settings: CliSettings): Promise<string> {
  const { code, stdout, stderr } = await tryInside(args, settings);
  if (code !== 0) throw new Error(`modelcars ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}
