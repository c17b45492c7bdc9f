import { mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileHashes } from './file-hashes.ts';

let folder: string;
let file: string;
let hashes: FileHashes;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hashes-'));
  file = join(folder, 'model');
  await writeFile(file, bytes('1'));
  hashes = new FileHashes(join(folder, 'store'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sha256 = 'a'.repeat(64);
/** The content of a file large enough to be recorded. */
const bytes = (letter: string, more = 0) => letter.repeat(1024 ** 2 + more);
const statsOf = () => stat(file, { bigint: true });
/** A minute from now: by then the file counts as settled. */
const later = () => Date.now() + 60_000;

describe('FileHashes', () => {
  it('returns the hash of an unchanged file, also from another instance', async () => {
    await hashes.remember(await statsOf(), sha256, later());
    expect(await hashes.get(await statsOf())).toBe(sha256);
    expect(await new FileHashes(join(folder, 'store')).get(await statsOf())).toBe(sha256);
    expect(await hashes.get(await stat(folder, { bigint: true }))).toBeUndefined();
  });

  it.each([
    ['other bytes of the same size', () => writeFile(file, bytes('2'))],
    ['another size', () => writeFile(file, bytes('1', 1))],
    [
      'another file of the same name',
      async () => {
        await writeFile(`${file}.new`, bytes('1'));
        await rename(`${file}.new`, file);
      },
    ],
  ])('forgets it after a change, even with the old mtime: %s', async (_name, change) => {
    const { mtime } = await stat(file);
    await hashes.remember(await statsOf(), sha256, later());
    await change();
    await utimes(file, mtime, mtime);
    expect(await hashes.get(await statsOf())).toBeUndefined();
  });

  it('does not remember a file that has just changed: the next change can have the same time', async () => {
    await hashes.remember(await statsOf(), sha256);
    expect(await hashes.get(await statsOf())).toBeUndefined();
  });

  it('does not remember a small file', async () => {
    await writeFile(file, 'one');
    await hashes.remember(await statsOf(), sha256, later());
    await expect(readdir(join(folder, 'store/hashes'))).rejects.toThrow('ENOENT');
  });

  it('ignores a damaged record, and a store that cannot be written to', async () => {
    await hashes.remember(await statsOf(), sha256, later());
    const [name] = await readdir(join(folder, 'store/hashes'));
    for (const damage of ['', '{', '{}', 'null', JSON.stringify({ sha256: '../../x' })]) {
      await writeFile(join(folder, 'store/hashes', name ?? ''), damage);
      expect(await hashes.get(await statsOf())).toBeUndefined();
    }
    const nowhere = new FileHashes(join(file, 'store'));
    await nowhere.remember(await statsOf(), sha256, later());
    expect(await nowhere.get(await statsOf())).toBeUndefined();
  });
});
