import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WorkFolder, workPath } from './work-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-work-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Finishes a target that has one file with this text. */
async function finish(target: string, text: string, replace: boolean): Promise<void> {
  await using work = await WorkFolder.open(target, new AbortController().signal, () => {});
  const from = join(work.path, 'bytes');
  await writeFile(from, text);
  await work.finish([{ path: 'a/model.bin', from }], replace);
}

describe('WorkFolder', () => {
  it('replaces a target even if a run was killed while it deleted the one before', async () => {
    const target = join(folder, 'iris');
    await finish(target, 'old', false);
    await mkdir(join(workPath(target), 'replaced/a'), { recursive: true });
    await writeFile(join(workPath(target), 'replaced/a/model.bin'), 'older');
    await finish(target, 'new', true);
    expect(await readFile(join(target, 'a/model.bin'), 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['iris']);
  });

  it('leaves an existing target alone without `replace`', async () => {
    const target = join(folder, 'iris');
    await finish(target, 'old', false);
    await expect(finish(target, 'new', false)).rejects.toThrow(/iris: it was created meanwhile/);
    expect(await readFile(join(target, 'a/model.bin'), 'utf8')).toBe('old');
  });
});
