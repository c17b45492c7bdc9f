import { chunkLifetime } from '../image/types.ts';

/** Buffers of one size that are used again and again: a new one for each use costs page faults and garbage collection. */
export class BufferPool {
  readonly #size: number;
  readonly #free: ArrayBufferLike[] = [];

  /** `size` of a buffer in bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  /** A buffer of `length` bytes, at most the pool's size, with whatever it held before. */
  get(length: number): Buffer {
    const bytes = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size).buffer;
    return Buffer.from(bytes, 0, length);
  }

  /** Returns a buffer from `get` to the pool; callers must not use it afterwards. */
  put(buffer: Uint8Array | undefined): void {
    if (buffer?.buffer.byteLength === this.#size) this.#free.push(buffer.buffer);
  }
}

/** Buffers of one stream: the newest chunk's, and those of the chunks before it that are still good. */
const ringSize = chunkLifetime + 1;

/**
 * Buffers of `size` bytes handed out in turn, for a stream whose chunks are valid for `chunkLifetime` (image/types.ts).
 * Each is allocated on first use, so a stream of any length needs a few megabytes.
 */
export function bufferRing(size: number): () => Buffer {
  const buffers: Buffer[] = [];
  let turn = 0;
  return () => {
    const at = turn++ % ringSize;
    buffers[at] ??= Buffer.allocUnsafeSlow(size);
    return buffers[at];
  };
}
