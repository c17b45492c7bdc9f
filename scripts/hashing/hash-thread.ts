import type { Worker } from 'node:worker_threads';
import { ModelcarsError } from '../errors.ts';
import { type HashRequest, hashInThread } from './hash-in-thread.ts';

/** Megabytes. The thread only hashes: with V8's defaults it takes 4 MB more. */
const resourceLimits = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 8 };

interface Waiting {
  resolve(answer: string | undefined): void;
  reject(error: unknown): void;
}

/** A thread that hashes for any number of streams. It keeps the process alive only while something waits for it. */
export class HashThread {
  readonly #worker: Worker;
  /** A thread handles requests one after the other. */
  readonly #waiting: Waiting[] = [];
  readonly #unsent: (() => void)[] = [];
  readonly #late: boolean;
  #failure: ModelcarsError | undefined;
  #streams = 0;

  /** With `late`, requests are sent by `flush` only. */
  constructor(late: boolean) {
    this.#late = late;
    // The function's own text: no file that the package, a bundle or an image could lack. Options of this process may
    // load other code, and its environment has secrets: the thread needs neither.
    const threads = process.getBuiltinModule('node:worker_threads');
    this.#worker = new threads.Worker(`(${hashInThread})()`, {
      eval: true,
      name: 'hash',
      env: {},
      execArgv: [],
      resourceLimits,
    });
    this.#worker
      .on('message', (answer: string | undefined) => this.#answered(answer))
      .on('error', (error) => this.#fail(error))
      .on('exit', (code) => this.#fail(new Error(`exit code ${code}`)))
      // After the listener for messages, which keeps the process alive again.
      .unref();
  }

  /** A number for a new stream. */
  newStream(): number {
    return this.#streams++;
  }

  /** Hashes chunks of a stream; with `last`, resolves with its digest. Fails when the thread has ended. */
  send(stream: number, chunks: Uint8Array[], last: boolean): Promise<string | undefined> {
    if (this.#failure) return Promise.reject(this.#failure);
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
    this.#waiting.push({ resolve, reject });
    const request: HashRequest = [stream, chunks, last];
    const copied = chunks.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
    this.#unsent.push(() => this.#worker.postMessage(request, copied));
    if (!this.#late) this.flush();
    return promise;
  }

  /** Sends what was held back. */
  flush(): void {
    if (this.#unsent.length > 0) this.#worker.ref();
    for (const send of this.#unsent.splice(0)) send();
  }

  /** Ends the thread; what waits for it fails. */
  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #answered(answer: string | undefined): void {
    this.#waiting.shift()?.resolve(answer);
    if (this.#waiting.length === this.#unsent.length) this.#worker.unref();
  }

  #fail(cause: Error): void {
    this.#failure ??= new ModelcarsError('bug', `hash in a thread: the thread ended: ${cause.message}`, {
      next: 'run it again; with `--max-memory` below 200MB, no threads are used',
      cause,
    });
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
