import { spawn } from 'node:child_process';
import { ModelcarsError } from '../errors.ts';

/** How a program ended. */
export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Lines of a failed program that its error shows. */
const shownLines = 12;

/**
 * Runs a program without a shell and gives what it wrote. Fails with code `cluster` when it cannot be started or (unless `mayFail`)
 * ends with an error; when the signal aborts, it is told to end, by SIGTERM, and waited for. `input` goes to its stdin. The program is not
 * in the terminal's process group: Ctrl-C reaches it through us alone.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: {
    signal?: AbortSignal;
    input?: AsyncIterable<Uint8Array> | string;
    mayFail?: boolean;
    environment?: NodeJS.ProcessEnv;
    /** Gets the process group's id, for whoever may have to end it after us. */
    onStart?(group: number): void;
    /** Gets each line of stderr as it comes. */
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
  // The whole group: what it started itself would live on, and hold its output open.
  const stop = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      child.kill('SIGTERM');
    }
  };
  signal?.addEventListener('abort', stop, { once: true });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-1_000_000);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-100_000);
    for (const line of text.split(/[\r\n]+/)) if (line.trim() !== '') onLine?.(line.trim());
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  ended.catch(() => undefined);
  try {
    if (input !== undefined && child.stdin) await feed(child.stdin, input).catch(() => undefined);
    const code = await ended;
    signal?.throwIfAborted();
    if (code !== 0 && !mayFail) throw failed(program, args, stderr || stdout, options.next);
    return { code, stdout, stderr };
  } catch (error) {
    if (error instanceof ModelcarsError || signal?.aborted) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ModelcarsError(
      'cluster',
      `run ${program}: ${missing ? 'there is no such program' : (error as Error).message}`,
      {
        next: options.next ?? `install ${program}, or name another`,
        cause: error,
      },
    );
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

async function feed(stdin: NodeJS.WritableStream, input: AsyncIterable<Uint8Array> | string): Promise<void> {
  if (typeof input === 'string') {
    stdin.end(input);
    return;
  }
  for await (const chunk of input) {
    if (!stdin.write(chunk)) await new Promise((resolve) => stdin.once('drain', resolve));
  }
  stdin.end();
}

function failed(program: string, args: readonly string[], output: string, next?: string): ModelcarsError {
  const lines = output.trim().split('\n').slice(-shownLines);
  return new ModelcarsError(
    'cluster',
    `run ${program} ${args[0] ?? ''}: it failed\n${lines.join('\n')}`.trimEnd(),
    {
      next: next ?? 'run it by hand to see more',
    },
  );
}
