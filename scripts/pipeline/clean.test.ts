import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clean } from './clean.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clean-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('removes the empty folder that a killed clean leaves, but not in a dry run', async () => {
  const output = join(folder, 'out');
  await mkdir(output);
  expect(await clean(output, { dryRun: true })).toEqual([output]);
  expect(await readdir(folder)).toEqual(['out']);
  expect(await clean(output, { dryRun: false })).toEqual([output]);
  expect(await readdir(folder)).toEqual([]);
  expect(await clean(output, { dryRun: false })).toEqual([]);
});

test('refuses a folder with anything else in it', async () => {
  await writeFile(join(folder, 'notes.txt'), 'mine');
  await expect(clean(folder, { dryRun: false })).rejects.toMatchObject({ code: 'layout' });
  expect(await readdir(folder)).toEqual(['notes.txt']);
});
