/** What a store holds, compared with what it should. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The defects of a store for which one file with this content was downloaded: files whose name is not their hash,
 * partial files that are not a prefix of the content. Paths below `files/sha256`.
 */
export async function storeDefects(store: string, content: Uint8Array): Promise<string[]> {
  const found: string[] = [];
  const files = join(store, 'files/sha256');
  for (const path of await readdir(files, { recursive: true }).catch(() => [])) {
    const hash = path.replace('/', '');
    const isFile = (await stat(join(files, path))).isFile();
    if (!isFile || !/^[0-9a-f]{64}(\.part)?$/.test(hash)) continue;
    const bytes = await readFile(join(files, path));
    const right = hash.endsWith('.part')
      ? bytes.equals(content.subarray(0, bytes.length))
      : createHash('sha256').update(bytes).digest('hex') === hash;
    if (!right) found.push(path);
  }
  return found;
}
