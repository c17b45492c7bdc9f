import { chunkLifetime } from '../image/types.ts';

/** Buffers of one stream: the newest chunk's, and those of the chunks before it that are still good. */
const count = chunkLifetime + 1;

/**
 * Buffers of `size` bytes given out in turn, each made when its turn first comes, for a stream whose chunks are good while
 * `chunkLifetime` more are taken. It allocates a few megabytes however long the stream is, where a new buffer for each chunk
 * costs page faults and garbage collection: a tenth of a push.
 */
export function bufferRing(size: number): () => Buffer {
  const buffers: Buffer[] = [];
  let turn = 0;
  return () => {
    const at = turn++ % count;
    buffers[at] ??= Buffer.allocUnsafeSlow(size);
    return buffers[at];
  };
}
