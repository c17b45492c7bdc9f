import { chunkLifetime } from '../image/types.ts';

/** Reusable buffers of one size: a new one for each use costs page faults and garbage collection. */
export class BufferPool {
  readonly #size: number;
  readonly #free: ArrayBufferLike[] = [];

  /** `size` of a buffer in bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  /** A buffer of `length` bytes, at most the pool's size, with its previous content. */
  get(length: number): Buffer {
    const bytes = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size).buffer;
    return Buffer.from(bytes, 0, length);
  }

  /** Returns a buffer from `get` to the pool; callers must not use it afterwards. */
  put(buffer: Uint8Array | undefined): void {
    if (buffer?.buffer.byteLength === this.#size) this.#free.push(buffer.buffer);
  }
}

/** Buffers of one stream: one for the newest chunk, and one for each earlier chunk that is still valid. */
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
