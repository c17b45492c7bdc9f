import { link, mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diskOf, warmMemory } from './disk.ts';

test('frees the warmed memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'warm-'));
  try {
    let most = 0;
    const watch = setInterval(async () => {
      most = Math.max(most, (await readdir(folder)).length);
    }, 1);
    await warmMemory(folder, 64 * 1024 ** 2);
    clearInterval(watch);
    expect(most).toBe(1);
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('counts the disk space of a folder: a hard link once, no holes, no targets of links', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'disk-'));
  try {
    const empty = diskOf(folder);
    await mkdir(join(folder, 'below'));
    await writeFile(join(folder, 'below', 'big'), Buffer.alloc(8 * 1024 ** 2, 1));
    await link(join(folder, 'below', 'big'), join(folder, 'again'));
    await writeFile(join(folder, 'sparse'), '');
    await truncate(join(folder, 'sparse'), 1024 ** 3);
    await symlink('/usr', join(folder, 'elsewhere'));
    const taken = diskOf(folder) - empty;
    expect(taken).toBeGreaterThanOrEqual(8 * 1024 ** 2);
    expect(taken).toBeLessThan(9 * 1024 ** 2);
    expect(diskOf(join(folder, 'nothing'))).toBe(0);
  } finally {
    await rm(folder, { recursive: true });
  }
});
