import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeFolder } from './folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'folder-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('makes what is missing, with the mode, and leaves what is there', () => {
  makeFolder(join(folder, 'a/b/c'), 0o700);
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'a/b/c')).mode & 0o777).toBe(0o700);
  makeFolder(join(folder, 'a/b/c'), 0o755);
  expect(statSync(join(folder, 'a/b/c')).mode & 0o777).toBe(0o700);
});

it('fails where a file is in the way', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => makeFolder(join(folder, 'file'))).toThrow('EEXIST');
  expect(() => makeFolder(join(folder, 'file/below'))).toThrow('EEXIST');
});

it.runIf(process.platform === 'linux')('ends where no folder can be made and the system says ENOENT', () => {
  expect(() => makeFolder('/proc/modelcars/store')).toThrow('ENOENT');
});
