import { type ChildProcess, spawn } from 'node:child_process';

export interface HelperRun {
  program: string;
  /** What it reads. */
  host: string;
  env: NodeJS.ProcessEnv;
  signal: AbortSignal | undefined;
  /** Milliseconds for all of it. */
  timeout: number;
}

export interface Ended {
  /** Null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** It did not answer in time, or without end; with what it had written. */
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
/** Milliseconds for the last words of a helper that has ended, where a child of its keeps its output open (gpg-agent does). */
const lastWords = 1000;

/**
 * Runs `PROGRAM get` in a process group of its own, with `host` on stdin; undefined when there is no such program. A wrapper script's
 * children are killed with it when the time is up, and whatever still holds its output open is not waited for.
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
    // An answer that is not whole yet may still come from a child of the wrapper: that has all the time there is.
    if (code === 0 && !isWhole(out.text())) return;
    last = setTimeout(() => resolve({ code, ...said() }), lastWords);
  });
  child.once('close', (code) => resolve({ code, ...said() }));
  child.stdin.on('error', () => {}); // A helper may end without reading; its exit code says more.
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
    // All of it has ended already.
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
