import { streamBuffers } from '../memory/stream-buffers.ts';
import type { HashThread } from './hash-thread.ts';
import type { StreamHash } from './types.ts';

/** Chunks of a stream that may wait for the thread: one that it hashes, and the next one. */
const mostWaiting = 2;
/** Bytes of copied chunks that are sent together: a message costs as much as hashing 50 kB. */
const copiedAtOnce = 1024 * 1024;

/**
 * Hashes in a thread. Chunks of the pool are not copied: thread and receiver read the same memory, which is lent again
 * when both have finished. Others, such as headers of a tar, are copied.
 */
export class ThreadedHash implements StreamHash {
  readonly #thread: HashThread;
  readonly #stream: number;
  readonly #waiting: Promise<void>[] = [];
  #copied: Uint8Array[] = [];
  #copiedBytes = 0;
  #digest: Promise<string | undefined> | undefined;

  constructor(thread: HashThread) {
    this.#thread = thread;
    this.#stream = thread.newStream();
  }

  update(chunk: Uint8Array): Promise<void> | undefined {
    if (streamBuffers.hold(chunk)) this.#send([...this.#takeCopied(), chunk], chunk);
    else {
      this.#copied.push(new Uint8Array(chunk));
      this.#copiedBytes += chunk.length;
      if (this.#copiedBytes >= copiedAtOnce) this.#send(this.#takeCopied());
    }
    if (this.#waiting.length < mostWaiting) return undefined;
    this.#thread.flush();
    return this.#waiting[0];
  }

  async digest(): Promise<string> {
    this.#digest ??= this.#thread.send(this.#stream, this.#takeCopied(), true);
    this.#thread.flush();
    return (await this.#digest) ?? '';
  }

  #takeCopied(): Uint8Array[] {
    const copied = this.#copied;
    this.#copied = [];
    this.#copiedBytes = 0;
    return copied;
  }

  #send(chunks: Uint8Array[], held?: Uint8Array): void {
    const sent = this.#thread.send(this.#stream, chunks, false).then(() => {
      this.#waiting.shift();
      if (held) streamBuffers.release(held);
    });
    // A stream that is given up waits for nothing; the failure stays the thread's, and the next call reports it.
    sent.catch(() => {});
    this.#waiting.push(sent);
  }
}
