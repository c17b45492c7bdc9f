/**
 * Buffers given out in turn, `count` of `size` bytes, each made when its turn first comes. A stream that fills them
 * allocates a few megabytes however long it is, where a new buffer for each chunk costs page faults and garbage collection:
 * a tenth of a push. Who takes a chunk must be done with it before the stream has given `count - 1` more.
 */
export function bufferRing(count: number, size: number): () => Buffer {
  const buffers: Buffer[] = [];
  let turn = 0;
  return () => {
    const at = turn++ % count;
    buffers[at] ??= Buffer.allocUnsafeSlow(size);
    return buffers[at];
  };
}
