import { MemoryBudget } from './budget.ts';
import { recycle, streamBufferSize, streamBuffers } from './stream-buffers.ts';

/** Memory of one part. Call `release` or `drop` once, when nothing reads the bytes any more. */
export interface LentMemory {
  readonly bytes: Uint8Array;
  /** Returns the memory, for the next part. */
  release(): void;
  /** Leaves the memory to the garbage collector, because something may still read it. */
  drop(): void;
}

/** Memory for the parts of uploads, each of which must be in memory as a whole. */
export class PartMemory {
  readonly #budget: MemoryBudget;
  /** All of one size, that of the last part. */
  #free: ArrayBufferLike[] = [];

  /** `bytes` for all parts that are in memory at the same time; a larger part waits until it is the only one. */
  constructor(bytes: number) {
    this.#budget = new MemoryBudget(bytes);
  }

  /** Changes the limit for the parts that are asked for from now on. */
  resize(bytes: number): void {
    this.#budget.resize(bytes);
  }

  /**
   * Waits for memory for a part of `size` bytes, of a file whose parts have up to `partSize`. Fails with the signal's
   * reason.
   */
  async lend(size: number, partSize: number, signal: AbortSignal): Promise<LentMemory> {
    const isSmall = size <= streamBufferSize;
    const granted = await this.#ask(isSmall ? streamBufferSize : partSize, signal);
    const bytes = isSmall ? streamBuffers.take(size) : Buffer.from(this.#memory(partSize), 0, size);
    const drop = () => this.#budget.release(granted);
    const release = () => {
      if (isSmall) recycle(bytes);
      else this.#free.push(bytes.buffer);
      drop();
    };
    return { bytes, release, drop };
  }

  async #ask(bytes: number, signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    const asked = Math.min(bytes, this.#budget.size);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const withdraw = this.#budget.ask(asked, () => resolve(asked));
    const onAbort = () => {
      withdraw();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return await promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  #memory(partSize: number): ArrayBufferLike {
    if (this.#free[0]?.byteLength !== partSize) this.#free = [];
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(partSize).buffer;
  }
}
