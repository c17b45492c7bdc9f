import { type FileHandle, open } from 'node:fs/promises';

/** Bytes per read: large enough that the calls cost nothing, small enough that many streams fit in memory. */
const chunkSize = 1 << 20;

/** A file's bytes from `offset`, each chunk in newly allocated memory. Closes the file however the reading ends. */
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
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(chunkSize), 0, chunkSize, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
