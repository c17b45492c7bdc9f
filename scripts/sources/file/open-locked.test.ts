import { execFileSync } from 'node:child_process';
import { mkdir, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Folder } from '../../../tests/support/catalog-folder.ts';
import { collect, failure, sha256 } from '../../../tests/support/outcome.ts';
import { fileSource } from './source.ts';

let folder: Folder;
beforeEach(async () => {
  folder = await Folder.make();
});
afterEach(() => folder[Symbol.asyncDispose]());

const big = Buffer.alloc(3 * 1024 ** 2 + 17, 'abcdefg');
const locked = { path: 'w', size: big.length, sha256: sha256(big) };

it('streams a file in chunks of a mebibyte, from any offset', async () => {
  await folder.write({ 'm/w': big });
  const source = fileSource(folder.path);
  const sizes: number[] = [];
  for await (const chunk of source.open('file:m', '', locked)) sizes.push(chunk.length);
  expect(sizes).toEqual([...Array(3).fill(1024 * 1024), 17]);
  expect(await collect(source.open('file:m', '', locked))).toEqual(big);
  expect(await collect(source.open('file:m', '', locked, 2_000_001))).toEqual(big.subarray(2_000_001));
  expect(await collect(source.open('file:m', '', locked, big.length))).toHaveLength(0);
});

it('opens a file of `files:` by its URI, whatever its path in the image', async () => {
  await folder.write({ 'm/w': 'x' });
  const file = { path: 'other/name', size: 1, sha256: sha256('x'), source: 'file:m/w' };
  expect(String(await collect(fileSource(folder.path).open('file:m/w', '', file)))).toBe('x');
});

it('reports a file that differs from the lock', async () => {
  await folder.write({ 'm/w': 'four', 'out/s': 'four' });
  const source = fileSource(folder.path);
  const opened = (path: string, size: number) =>
    failure(collect(source.open('file:m', '', { ...locked, path, size })));
  const longer = await opened('w', 5);
  expect(longer).toMatchObject({ code: 'integrity', next: 'run `modelcars lock` if the change is meant' });
  expect(longer.message).toBe('read w of file:m: it has 4 bytes, the lock has 5');
  expect(await opened('gone', 4)).toMatchObject({
    code: 'integrity',
    message: expect.stringContaining('no longer exists'),
  });
  await mkdir(join(folder.path, 'm/d'));
  expect(await opened('d', 4)).toMatchObject({
    code: 'integrity',
    message: expect.stringContaining('no longer a regular file'),
  });
  await symlink('../out/s', join(folder.path, 'm/leak'));
  expect(await opened('leak', 4)).toMatchObject({
    code: 'source',
    message: expect.stringContaining('out of the source'),
  });
  execFileSync('mkfifo', [join(folder.path, 'm/pipe')]);
  expect((await opened('pipe', 4)).message).toContain('no longer a regular file');
});

it('stops reading when the file shrinks under it', async () => {
  await folder.write({ 'm/w': big });
  const chunks = fileSource(folder.path).open('file:m', '', locked)[Symbol.asyncIterator]();
  await chunks.next();
  await truncate(join(folder.path, 'm/w'), 1024 * 1024 + 5);
  await chunks.next();
  const error = await failure(chunks.next());
  expect(error.code).toBe('integrity');
  expect(error.message).toBe(`read w of file:m: it ends after 1048581 bytes, the lock has ${big.length}`);
});

it('stops reading when aborted', async () => {
  await folder.write({ 'm/w': big });
  const stop = new AbortController();
  const chunks = fileSource(folder.path).open('file:m', '', locked, 0, stop.signal)[Symbol.asyncIterator]();
  await chunks.next();
  stop.abort();
  expect((await failure(chunks.next())).code).toBe('cancelled');
});
