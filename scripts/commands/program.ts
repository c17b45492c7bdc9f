import { config } from 'zod';
import { ModelcarsError } from '../errors.ts';
import { type Distrust, tellDistrust } from '../store/trust.ts';
import { createColors } from '../terminal/color.ts';
import { asModelcarsError, errorToJson, isDebug, renderError } from '../terminal/errors.ts';
import { catchSignals } from '../terminal/interrupt.ts';
import { Output } from '../terminal/output.ts';
import { createProgress, progressMode } from '../terminal/progress.ts';
import { Masker } from '../text/mask.ts';
import type { CommandIO } from './command.ts';
import { type Heading, withHeading } from './output/heading.ts';
import { namedCommand, parseCommandLine } from './parse.ts';

/**
 * Runs one command line (without node and script) and returns the exit code: 0 done, 1 failed, 2 wrong usage or
 * catalog, 128 + n when signal n stopped it. Never throws; every failure is shown first. `distrust`: why the default
 * store is not trusted, which becomes a warning.
 */
export async function runProgram(words: string[], distrust?: Distrust): Promise<number> {
  // Compiling a schema to code takes longer than one run checks with it, even of thousands of models.
  config({ jitless: true });
  const { stdout, stderr } = process;
  const output = new Output(stdout);
  // A closed terminal (SIGHUP) fails every write; partial results must still be cleaned up.
  stderr.on('error', () => undefined);
  const masker = Masker.fromEnvironment();
  const mask = (text: string) => masker.mask(text);
  let command = namedCommand(words);
  const flagged = words.slice(0, words.includes('--') ? words.indexOf('--') : undefined);
  const progress = await createProgress({
    stream: stderr,
    ...progressMode(stderr, flagged.includes('--no-progress')),
    mask,
  });
  const writeJson = (document: Heading) => output.write(`${mask(JSON.stringify(document, undefined, 2))}\n`);
  const io: Omit<CommandIO, 'signal'> = {
    print: (text) => output.write(`${text}\n`),
    note: (text) => stderr.write(`${text}\n`),
    printJson: (command, fields) => writeJson(withHeading(command, fields)),
    colors: createColors(stdout),
    errorColors: createColors(stderr),
    width: stdout.isTTY ? stdout.columns : undefined,
    masker,
    debug: isDebug(),
    progress,
  };
  const interrupt = catchSignals(
    (line) => progress.warn(line),
    () => progress.stop(),
  );
  const showError = (error: unknown): void =>
    io.note(renderError(error, { colors: io.errorColors, masker, debug: io.debug }));
  const fail = (error: unknown): number => {
    progress.stop();
    const ours = asModelcarsError(error);
    if (flagged.includes('--json'))
      writeJson(withHeading(command, { ok: false, error: errorToJson(ours, masker) }));
    else showError(error);
    return ours.exitCode;
  };
  /** A command whose results could not be written has failed. `lost`: an error meant for stdout as JSON. */
  const checkOutput = async (code: number, lost?: unknown): Promise<number> => {
    const failure = await output.failure();
    if (failure === undefined) return code;
    if (lost !== undefined) showError(lost);
    showError(failure);
    return code || failure.exitCode;
  };
  // An error outside every promise is a bug, but must not show a raw stack or leave the cursor hidden.
  const crash = (error: unknown) => process.exit(fail(error));
  process.on('uncaughtException', crash);
  try {
    checkFolder();
    const invocation = await parseCommandLine(words, stdout.columns ?? 80);
    if (!invocation) return await checkOutput(0);
    command = invocation.command.name;
    tellDistrust(distrust, (line) => progress.warn(line));
    const code = await invocation.run({ ...io, signal: interrupt.signal });
    return interrupt.exitCode() ?? (await checkOutput(code));
  } catch (error) {
    const stopped = interrupt.exitCode();
    const asDocument = flagged.includes('--json') ? error : undefined;
    if (stopped === undefined) return await checkOutput(fail(error), asDocument);
    // Errors caused by an abort (AbortError, a closed stream) are not failures in themselves.
    fail(
      error instanceof ModelcarsError ? error : new ModelcarsError('cancelled', 'stopped before it was done'),
    );
    return stopped;
  } finally {
    progress.stop();
    interrupt.release();
    process.off('uncaughtException', crash);
  }
}

/** Fails with code `disk` when the working directory was deleted: no relative path resolves then. */
function checkFolder(): void {
  try {
    process.cwd();
  } catch (cause) {
    const next = 'change to a folder that exists (`cd`), and run the same command again';
    throw new ModelcarsError('disk', 'read the current folder: it was deleted', { next, cause });
  }
}
