import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { ModelcarsError } from '../errors.ts';

/** How a program ended. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Number of a failed program's output lines that its error shows. */
const shownLines = 12;

/**
 * Runs a program without a shell and returns its output. Fails with code `cluster` when it cannot be started or (unless
 * `mayFail`) exits with an error; when the signal aborts, sends SIGTERM and waits for the program to exit. `input` goes
 * to its stdin. The program has its own process group, so Ctrl-C does not reach it directly.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: {
    signal?: AbortSignal;
    input?: AsyncIterable<Uint8Array> | string;
    mayFail?: boolean;
    environment?: NodeJS.ProcessEnv;
    /** Receives the process group's id, so that a later run can kill the group if this one is killed. */
    onStart?(group: number): void;
    /** Receives each line of stderr as it is written. */
    onLine?(line: string): void;
    next?: string;
  } = {},
): Promise<Ran> {
  const { signal, input, mayFail, environment, onLine } = options;
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
    ...(environment && { env: environment }),
  });
  if (child.pid !== undefined) options.onStart?.(child.pid);
  const stop = () => end(child);
  signal?.addEventListener('abort', stop, { once: true });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-1_000_000);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-100_000);
  });
  // kind ends a line that it will overwrite with a carriage return, which readline also treats as a line end.
  if (child.stderr && onLine)
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() !== '') onLine(line.trim());
    });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  ended.catch(() => undefined);
  // Always ends stdin, so that the program does not wait for more. An error because the program has exited is not a
  // failure.
  const fed =
    input === undefined || child.stdin === null
      ? undefined
      : pipeline(typeof input === 'string' ? [input] : input, child.stdin).catch((error: unknown) => error);
  try {
    const code = await ended;
    signal?.throwIfAborted();
    const broken = await fed;
    if (broken !== undefined && !isEarlyEnd(broken)) throw broken;
    if (code !== 0 && !mayFail) throw failed(program, args, stderr || stdout, options.next);
    return { code, stdout, stderr };
  } catch (error) {
    if (error instanceof ModelcarsError || signal?.aborted) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ModelcarsError(
      'cluster',
      `run ${program}: ${missing ? 'program not found' : (error as Error).message}`,
      {
        next: options.next ?? `install ${program}, or pass the path of another`,
        cause: error,
      },
    );
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Whether a write error only means that the program stopped reading. */
function isEarlyEnd(error: unknown): boolean {
  return /^(EPIPE|ECONNRESET|ERR_STREAM_\w+)$/.test((error as NodeJS.ErrnoException).code ?? '');
}

/** Streams a program's stdout. Fails as `run` does, after the last chunk. */
export async function* stream(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const stop = () => end(child);
  signal.addEventListener('abort', stop, { once: true });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-100_000);
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  ended.catch(() => undefined);
  try {
    yield* child.stdout;
    if ((await ended) !== 0) throw failed(program, args, stderr);
  } finally {
    signal.removeEventListener('abort', stop);
    if (child.exitCode === null) stop();
  }
}

/** Ends the whole group: surviving children would keep the output open. */
function end(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGTERM');
  } catch {
    child.kill('SIGTERM');
  }
}

function failed(program: string, args: readonly string[], output: string, next?: string): ModelcarsError {
  const lines = output.trim().split('\n').slice(-shownLines);
  return new ModelcarsError(
    'cluster',
    `run ${program} ${args[0] ?? ''}: failed\n${lines.join('\n')}`.trimEnd(),
    {
      next: next ?? 'run it by hand for details',
    },
  );
}
