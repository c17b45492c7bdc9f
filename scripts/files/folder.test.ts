import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeFolder } from './folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'folder-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('creates missing folders with the mode, and leaves existing ones unchanged', () => {
  makeFolder(join(folder, 'a/b/c'), 0o700);
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'a/b/c')).mode & 0o777).toBe(0o700);
  makeFolder(join(folder, 'a/b/c'), 0o755);
  expect(statSync(join(folder, 'a/b/c')).mode & 0o777).toBe(0o700);
});

it('fails when a file is in the way', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => makeFolder(join(folder, 'file'))).toThrow('EEXIST');
  expect(() => makeFolder(join(folder, 'file/below'))).toThrow('EEXIST');
});

it.runIf(process.platform === 'linux')(
  'throws ENOENT, without looping, where no folder can be created',
  () => {
    expect(() => makeFolder('/proc/modelcars/store')).toThrow('ENOENT');
  },
);
