import { availableParallelism } from 'node:os';
import { defaultMaxMemory, maxMemory } from '../memory/shares.ts';
import { streamBuffers } from '../memory/stream-buffers.ts';
import { HashThread } from './hash-thread.ts';
import { ThreadedHash } from './threaded-hash.ts';

/** Bytes from which a stream is hashed in a thread: starting one costs as much as hashing 64 MiB. */
const leastThreaded = 64 * 1024 * 1024;
/** With two, the thread that reads and sends is the slowest one (docs/internals/performance.md, "Many cores"). */
const most = 2;

/**
 * Threads that hash, for a machine with `cores` and a process of at most `memory` bytes: none on one or two cores, where
 * registry, hub and kernel need the second one, and none below the default memory, since two take 30 MB.
 */
export function threadsFor(cores: number, memory: number): number {
  return cores > 2 && memory >= defaultMaxMemory ? most : 0;
}

/** The threads that hash, started when they are first needed; they do not keep the process alive. */
export class HashThreads {
  readonly #threads: HashThread[] = [];
  #count: number | undefined;
  #least = leastThreaded;
  #opened = 0;
  #late = false;

  /** A hash of `size` bytes in the next thread; undefined if the calling thread should hash them. */
  open(size: number | undefined): ThreadedHash | undefined {
    if (size !== undefined && size < this.#least) return undefined;
    this.#count ??= threadsFor(availableParallelism(), maxMemory());
    if (this.#count === 0) return undefined;
    streamBuffers.shareMemory();
    const at = this.#opened++ % this.#count;
    const thread = this.#threads[at] ?? new HashThread(this.#late);
    this.#threads[at] = thread;
    return new ThreadedHash(thread);
  }

  /** For tests: ends the threads; new hashes of `least` bytes get `count` others, by default as for any process. */
  async restart(count?: number, least = leastThreaded): Promise<void> {
    this.#count = count;
    this.#least = least;
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()));
  }

  /**
   * For tests: chunks go to a thread only when something waits for it, so that a chunk whose memory was reused too early
   * is always hashed wrong, and not only when the thread is slow.
   */
  sendLate(): void {
    this.#late = true;
  }
}

/** The threads of this process. */
export const hashThreads = new HashThreads();
