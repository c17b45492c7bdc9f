/**
 * The memory of all streams of model bytes: files, ranges of a hub or bucket, and what is copied from them. New memory
 * for each chunk would cost page faults and garbage collection, so one pool lends buffers to all of them.
 *
 * The rule for every stream of this program (`Content.open`, `Source.open` and all in between): a chunk belongs to the
 * receiver, and stays as it is until the last receiver passes it to `recycle`. So a stream that passes chunks on must
 * have finished with one before it yields it, and must not yield one in two parts. A receiver that does not recycle is
 * never wrong: the garbage collector takes the memory, and the pool allocates anew.
 *
 * Only a thread that hashes reads a chunk beside its receiver (scripts/hashing/). It holds the chunk meanwhile, and
 * memory is lent again when it was both recycled and released.
 */

/** Bytes of a buffer, the largest chunk. Half as many slow a push by 5 %; twice as many gain nothing. */
export const streamBufferSize = 1024 * 1024;

/** Chunks of fewer bytes get memory of their own size: thousands of small files are sent in one layer. */
const smallestLent = streamBufferSize / 8;

/** Reusable buffers of one size. */
export class BufferPool {
  readonly #free: ArrayBufferLike[] = [];
  /** Buffers in use; weak, because not every receiver recycles. */
  readonly #lent = new WeakSet<ArrayBufferLike>();
  /** Buffers that threads read, and how many hold each. */
  readonly #held = new Map<ArrayBufferLike, number>();
  /** Buffers that were recycled while they were held. */
  readonly #returned = new Set<ArrayBufferLike>();
  #shares = false;
  #marker: number | undefined;

  /** Memory for a chunk of `length` bytes, at most `streamBufferSize`, with any content. */
  take(length: number): Buffer {
    if (length > streamBufferSize) throw new RangeError(`take ${length} bytes: more than a buffer has`);
    if (length < smallestLent) return Buffer.allocUnsafe(length);
    const memory = this.#free.pop() ?? this.#allocate();
    this.#lent.add(memory);
    return Buffer.from(memory, 0, length);
  }

  /** Takes back the memory of a chunk, whole or a part of it; without effect on memory that it did not lend. */
  recycle({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer)) return;
    if (this.#held.has(buffer)) this.#returned.add(buffer);
    else this.#giveBack(buffer);
  }

  /** From now on, lends memory that other threads can read. */
  shareMemory(): void {
    if (this.#shares) return;
    this.#shares = true;
    this.#free.length = 0;
  }

  /**
   * Keeps a lent chunk as it is until `release`, however early it is recycled. False for memory that is not lent or that
   * other threads cannot read.
   */
  hold({ buffer }: Uint8Array): boolean {
    if (!this.#lent.has(buffer) || !(buffer instanceof SharedArrayBuffer)) return false;
    this.#held.set(buffer, (this.#held.get(buffer) ?? 0) + 1);
    return true;
  }

  /** Ends a `hold`. */
  release({ buffer }: Uint8Array): void {
    const others = (this.#held.get(buffer) ?? 1) - 1;
    if (others > 0) this.#held.set(buffer, others);
    else {
      this.#held.delete(buffer);
      if (this.#returned.delete(buffer)) this.#giveBack(buffer);
    }
  }

  #allocate(): ArrayBufferLike {
    return this.#shares
      ? new SharedArrayBuffer(streamBufferSize)
      : Buffer.allocUnsafeSlow(streamBufferSize).buffer;
  }

  #giveBack(buffer: ArrayBufferLike): void {
    if (this.#marker !== undefined) new Uint8Array(buffer).fill(this.#marker);
    if (!this.#shares || buffer instanceof SharedArrayBuffer) this.#free.push(buffer);
  }

  /** For tests: fills recycled memory with `byte`, so that code that reads a chunk too late reads wrong bytes. */
  markRecycled(byte: number): void {
    this.#marker = byte;
  }
}

/** The pool of this process. */
export const streamBuffers = new BufferPool();

/** Returns the memory of a chunk that is not needed any more. Only the chunk's last receiver may call it, once. */
export function recycle(chunk: Uint8Array): void {
  streamBuffers.recycle(chunk);
}
