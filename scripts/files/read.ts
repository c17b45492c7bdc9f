import { type FileHandle, open } from 'node:fs/promises';
import { streamBufferSize, streamBuffers } from '../memory/stream-buffers.ts';

/** A file's bytes from `offset`, in chunks that the receiver may recycle. Closes the file however the reading ends. */
export async function* readFrom(path: string, offset = 0, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  yield* readOpen(await open(path, 'r'), offset, signal);
}

/** Like `readFrom` for an open file; closes it too. */
export async function* readOpen(
  handle: FileHandle,
  offset = 0,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    for (let at = offset; ; ) {
      signal?.throwIfAborted();
      const chunk = await readChunk(handle, at, streamBufferSize);
      if (chunk === undefined) return;
      at += chunk.length;
      yield chunk;
    }
  } finally {
    await handle.close();
  }
}

/**
 * The next bytes of a file from `position`: `most`, at most `streamBufferSize`, or fewer at the file's end; undefined
 * after it. The receiver may recycle them.
 */
export async function readChunk(
  handle: FileHandle,
  position: number,
  most: number,
): Promise<Uint8Array | undefined> {
  const chunk = streamBuffers.take(most);
  let filled = 0;
  // A file system may return less than asked for. Chunks are filled, since a stream may hold several.
  while (filled < most) {
    const { bytesRead } = await handle.read(chunk, filled, most - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  if (filled > 0) return chunk.subarray(0, filled);
  streamBuffers.recycle(chunk);
  return undefined;
}
