import { appendFile, chmod, mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Folder } from '../../../tests/support/catalog-folder.ts';
import { failure, sha256 } from '../../../tests/support/outcome.ts';
import { ModelcarsError } from '../../errors.ts';
import { fileKind } from './index.ts';
import { fileSource } from './source.ts';

let folder: Folder;
beforeEach(async () => {
  folder = await Folder.make();
});
afterEach(() => folder[Symbol.asyncDispose]());

const all = () => true;
const resolve = (uri: string, signal?: AbortSignal) => fileSource(folder.path).resolve(uri, all, signal);

it('lists a single file by its name', async () => {
  await folder.write({ 'deep/model.joblib': 'hello' });
  const { files } = await resolve('file:deep/model.joblib');
  expect(files).toEqual([{ path: 'model.joblib', size: 5, sha256: sha256('hello') }]);
});

it('lists a folder recursively in byte order, without .git and .DS_Store', async () => {
  await folder.write({
    'm/b.bin': 'b',
    'm/B.txt': '',
    'm/a/z': 'z',
    'm/.hidden': 'h',
    'm/.git/config': 'x',
    'm/.DS_Store': 'x',
    'm/a/.git/x': 'x',
    'm/～': '1',
    'm/😀': '2',
  });
  const { files } = await resolve('file:m');
  expect(files.map(({ path }) => path)).toEqual(['.hidden', 'B.txt', 'a/z', 'b.bin', '～', '😀']);
  expect(files[1]).toEqual({ path: 'B.txt', size: 0, sha256: sha256('') });
});

it('hashes paths, sizes and contents into the revision, and nothing else', async () => {
  await folder.write({ 'm/a': 'one', 'm/b': 'two' });
  const { revision } = await resolve('file:m');
  expect(revision).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(revision).toBe(`sha256:${sha256(`${sha256('one')} 3 a\n${sha256('two')} 3 b\n`)}`);
  await utimes(join(folder.path, 'm/a'), 1, 1);
  await chmod(join(folder.path, 'm/a'), 0o600);
  expect((await resolve('file:./m/')).revision).toBe(revision);
  await writeFile(join(folder.path, 'm/a'), 'two');
  expect((await resolve('file:m')).revision).not.toBe(revision);
});

it('lists only selected files, and ignores the others', async () => {
  await folder.write({ 'm/a.bin': 'a', 'm/b.txt': 'b', 'm/ctrl\u0007': 'x' });
  await symlink('/nowhere', join(folder.path, 'm/dead'));
  const { files } = await fileSource(folder.path).resolve('file:m', (path) => path.endsWith('.bin'));
  expect(files.map(({ path }) => path)).toEqual(['a.bin']);
  expect((await fileSource(folder.path).resolve('file:m/a.bin', () => false)).files).toEqual([]);
});

it('reads absolute and percent-encoded URIs', async () => {
  await folder.write({ 'my models/50%.bin': 'x' });
  const uri = `file://${encodeURI(folder.path)}/my%20models/50%25.bin`;
  expect((await resolve(uri)).files[0]?.path).toBe('50%.bin');
});

it.each([
  ['file:nothing', 'no such file or folder'],
  ['file:m/a/b', 'a part of the path is a file'],
  ['file:empty', 'the folder has no files'],
  ['file:../x', 'inside the folder'],
  ['file:///dev/null', 'neither a file nor a folder'],
  [`file:${'x'.repeat(300)}`, 'the path is too long'],
])('rejects %s', async (uri, words) => {
  await folder.write({ 'm/a': 'x' });
  await mkdir(join(folder.path, 'empty/sub'), { recursive: true });
  const error = await failure(resolve(uri));
  expect(error.code).toBe('source');
  expect(error.message).toContain(words);
  expect(error.next).toBeTruthy();
});

it('stops when aborted, with the reason it was given', async () => {
  await folder.write({ 'm/a': 'x' });
  expect((await failure(resolve('file:m', AbortSignal.abort()))).code).toBe('cancelled');
  const reason = new ModelcarsError('network', 'elsewhere');
  expect(await failure(resolve('file:m', AbortSignal.abort(reason)))).toBe(reason);
});

it('rejects a file that changes while it is read', async () => {
  await folder.write({ 'm/a': 'x' });
  await truncate(join(folder.path, 'm/a'), 64 * 1024 ** 2);
  const hashing = failure(resolve('file:m'));
  // Appends until the reader is done, so size or time always differ in the end.
  let done = false;
  void hashing.then(() => {
    done = true;
  });
  while (!done) await appendFile(join(folder.path, 'm/a'), 'y');
  expect((await hashing).message).toContain('changed while it was read');
});

it('reports a folder as more than one file', async () => {
  await folder.write({ 'm/w': 'x' });
  const namesMany = (uri: string) => fileKind.namesMany?.(uri, { directory: folder.path });
  expect(await namesMany('file:m')).toBe('a folder');
  expect(await namesMany('file:m/w')).toBeUndefined();
});
