import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { shellWord } from '../../text/shell.ts';
import { foldersOfCommand, reachScript } from './reach.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reach '-"));
  chmodSync(folder, 0o755);
  for (const path of ['home/tools/bin', 'home/other', 'open'])
    mkdirSync(join(folder, path), { recursive: true });
  chmodSync(join(folder, 'home'), 0o700);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('covers the topmost closed folder once, and exposes the needed folders in it', () => {
  const script = reachScript([
    join(folder, 'home/tools/bin'),
    join(folder, 'home/other'),
    join(folder, 'open'),
  ]);
  const top = shellWord(join(folder, 'home'));
  expect(script.split('\n')).toEqual([
    'set -e',
    'umask 022',
    `exec 9< ${top}`,
    `mount -t tmpfs -o mode=0755 tmpfs ${top}`,
    `mkdir -p ${shellWord(join(folder, 'home/tools/bin'))}`,
    `mount --no-canonicalize --rbind /proc/self/fd/9/tools/bin ${shellWord(join(folder, 'home/tools/bin'))}`,
    `mkdir -p ${shellWord(join(folder, 'home/other'))}`,
    `mount --no-canonicalize --rbind /proc/self/fd/9/other ${shellWord(join(folder, 'home/other'))}`,
    'exec 9<&-',
  ]);
});

it('finds the folders beside those in the command or in PATH', async () => {
  vi.stubEnv('PATH', `/usr/bin:${join(folder, 'open')}`);
  expect(await foldersOfCommand('serve --port "$PORT" /usr/bin/python')).toEqual([]);
  vi.stubEnv('PATH', `/usr/bin:${join(folder, 'home/tools/bin')}`);
  expect((await foldersOfCommand('serve')).sort()).toEqual(
    ['other', 'tools'].map((name) => join(folder, 'home', name)),
  );
});

it('finds the folders in a closed folder that is inside another one', async () => {
  mkdirSync(join(folder, 'home/cache/parts/bin'), { recursive: true });
  mkdirSync(join(folder, 'home/cache/more'));
  chmodSync(join(folder, 'home/cache'), 0o700);
  vi.stubEnv('PATH', `/usr/bin:${join(folder, 'home/cache/parts/bin')}`);
  expect((await foldersOfCommand('serve')).sort()).toEqual(
    ['cache/more', 'cache/parts', 'other', 'tools'].map((name) => join(folder, 'home', name)),
  );
});
