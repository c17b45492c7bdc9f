/** A model's files in memory, for tests of what they say of themselves. */
import type { ModelReader } from '../../scripts/model/types.ts';

/** A reader of these files (path → content) that counts the bytes it reads. */
export function readerOf(files: Record<string, string | Uint8Array>): ModelReader & { bytesRead(): number } {
  let total = 0;
  const content = new Map(Object.entries(files).map(([path, bytes]) => [path, Buffer.from(bytes)]));
  return {
    paths: [...content.keys()].sort(),
    size: (path) => content.get(path)?.length,
    async read(path, offset, length) {
      const bytes = content.get(path)?.subarray(offset, offset + length) ?? Buffer.alloc(0);
      total += bytes.length;
      return bytes;
    },
    bytesRead: () => total,
  };
}
