import { open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ModelReader } from '../../scripts/model/types.ts';

/** A folder's files as those below /models. */
export async function folderReader(folder: string): Promise<ModelReader> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = new Map<string, number>();
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    sizes.set(relative(folder, path), (await stat(path)).size);
  }
  return {
    paths: [...sizes.keys()].sort(),
    size: (path) => sizes.get(path),
    async read(path, offset, length) {
      await using file = await open(join(folder, path), 'r');
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, (sizes.get(path) ?? 0) - offset)));
      await file.read(bytes, 0, bytes.length, offset);
      return bytes;
    },
  };
}
