import { type ChildProcess, spawn } from 'node:child_process';

export interface HelperRun {
  program: string;
  /** Written to its stdin. */
  host: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal | undefined;
  /** Timeout of the whole run in milliseconds. */
  timeout: number;
}

export interface Ended {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The helper did not respond in time, or wrote too much; carries its output so far. */
export class HelperBroken extends Error {
  readonly stdout: string;
  readonly stderr: string;

  constructor(message: string, { stdout, stderr }: Omit<Ended, 'code'>) {
    super(message);
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

const most = 256 * 1024;
/**
 * Milliseconds to wait for the last output of a helper that has exited, when its child process keeps the output open
 * (as gpg-agent does).
 */
const lastWords = 1000;

/**
 * Runs `PROGRAM get` in its own process group, with `host` on stdin; undefined when the program does not exist. On
 * timeout, the children of a wrapper script are killed with it; processes that still hold its output open are not
 * waited for.
 */
export async function runHelper(run: HelperRun): Promise<Ended | undefined> {
  const { program, host, env, signal, timeout } = run;
  signal?.throwIfAborted();
  const child = spawn(program, ['get'], { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const out = new Collected(child.stdout);
  const error = new Collected(child.stderr);
  const said = () => ({ stdout: out.text(), stderr: error.text() });
  const { promise, resolve, reject } = Promise.withResolvers<Ended | undefined>();
  const stop = (reason: unknown) => {
    killGroup(child);
    reject(reason);
  };
  const onAbort = () => stop(signal?.reason);
  const onExit = () => killGroup(child);
  const timer = setTimeout(
    () => stop(new HelperBroken(`it did not answer within ${Math.ceil(timeout / 1000)} s`, said())),
    timeout,
  );
  signal?.addEventListener('abort', onAbort, { once: true });
  process.once('exit', onExit);
  out.onMore = () => {
    if (out.size > most) stop(new HelperBroken('it answered more than 256 KiB', said()));
    else if (child.exitCode === 0 && isWhole(out.text())) resolve({ code: 0, ...said() });
  };
  let last: NodeJS.Timeout | undefined;
  child.once('error', (cause: NodeJS.ErrnoException) =>
    cause.code === 'ENOENT' ? resolve(undefined) : reject(cause),
  );
  child.once('exit', (code) => {
    // An incomplete answer may still be completed by a wrapper's child, which has the whole timeout.
    if (code === 0 && !isWhole(out.text())) return;
    last = setTimeout(() => resolve({ code, ...said() }), lastWords);
  });
  child.once('close', (code) => resolve({ code, ...said() }));
  child.stdin.on('error', () => {}); // A helper may exit without reading; its exit code is more informative.
  child.stdin.end(host);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    clearTimeout(last);
    signal?.removeEventListener('abort', onAbort);
    process.off('exit', onExit);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }
}

/** The beginning of a stream, as text. */
class Collected {
  readonly #chunks: Buffer[] = [];
  size = 0;
  onMore: () => void = () => {};

  constructor(stream: NodeJS.ReadableStream) {
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      if (this.size <= most) this.#chunks.push(chunk);
      this.size += chunk.length;
      this.onMore();
    });
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8');
  }
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The whole group has already ended.
  }
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
