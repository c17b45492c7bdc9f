import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { warmMemory } from './disk.ts';

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
