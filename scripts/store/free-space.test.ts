import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatBytes } from '../text/bytes.ts';
import { FreeSpace } from './free-space.ts';

const need = (key: string, bytes: number) => ({ key, bytes });

it('reports the needed and the free space, for a folder that does not exist yet', async () => {
  const folder = join(tmpdir(), 'not-there-yet', 'out');
  const space = new FreeSpace();
  await space.reserve('build', folder, [need('small', 1000)], '--output');
  const { bavail, bsize } = await statfs(tmpdir());
  await expect(
    space.reserve('build', folder, [need('huge', 42e15), need('more', 1e15)], '--output'),
  ).rejects.toMatchObject({
    code: 'disk',
    message: expect.stringContaining(`build needs 43 PB in ${folder}, ${formatBytes(bavail * bsize)}`),
    next: expect.stringContaining('--output'),
  });
});

it('reserves space once, and counts one key once', async () => {
  const { bavail, bsize } = await statfs(tmpdir());
  const most = Math.floor(bavail * bsize * 0.6);
  const space = new FreeSpace();
  await space.reserve('build', tmpdir(), [need('layer', most)], '--output');
  await space.reserve('build', tmpdir(), [need('layer', most)], '--output');
  await expect(space.reserve('build', tmpdir(), [need('other', most)], '--output')).rejects.toMatchObject({
    code: 'disk',
    message: expect.stringContaining('are for what this run writes before it'),
  });
  await space.reserve('build', tmpdir(), [need('little', 1000)], '--output');
});
