import { readFile } from 'node:fs/promises';
import type { ByteSource } from '../../scripts/artifacts/source.ts';

/** A file in memory that counts the bytes read of it. */
export function sourceOf(bytes: Uint8Array): ByteSource & { read: ByteSource['read']; taken: number } {
  const source = {
    size: bytes.length,
    taken: 0,
    async read(offset: number, length: number): Promise<Uint8Array> {
      const part = bytes.subarray(offset, offset + length);
      source.taken += part.length;
      return Buffer.from(part);
    },
  };
  return source;
}

/** A file of this repository. */
export async function sourceFile(path: URL): Promise<ReturnType<typeof sourceOf>> {
  return sourceOf(await readFile(path));
}

/** A file of which most bytes are the same: `parts` are bytes, or a number of zeros. */
export function sparseSource(...parts: (Buffer | number)[]): ByteSource & { taken: number } {
  const sizes = parts.map((part) => (typeof part === 'number' ? part : part.length));
  const source = {
    size: sizes.reduce((sum, size) => sum + size, 0),
    taken: 0,
    async read(offset: number, length: number): Promise<Uint8Array> {
      const end = Math.min(source.size, offset + length);
      const bytes = Buffer.alloc(Math.max(0, end - offset));
      let at = 0;
      for (const [index, part] of parts.entries()) {
        const size = sizes[index] ?? 0;
        if (typeof part !== 'number' && at < end && at + size > offset) {
          const from = Math.max(0, offset - at);
          part.copy(bytes, Math.max(0, at - offset), from, Math.min(size, end - at));
        }
        at += size;
      }
      source.taken += bytes.length;
      return bytes;
    },
  };
  return source;
}
