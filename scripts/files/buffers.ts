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

  /** Takes back what `get` gave; nobody may look at it any more. */
  put(buffer: Uint8Array | undefined): void {
    if (buffer?.buffer.byteLength === this.#size) this.#free.push(buffer.buffer);
  }
}

/** Buffers of one stream: the newest chunk's, and those of the chunks before it that are still good. */
const ringSize = chunkLifetime + 1;

/**
 * Buffers of `size` bytes given out in turn, each made when its turn first comes, for a stream whose chunks are good while
 * `chunkLifetime` more are taken. It allocates a few megabytes however long the stream is, where a new buffer for each chunk
 * costs page faults and garbage collection: a tenth of a push.
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
