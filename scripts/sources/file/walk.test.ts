import { execFileSync } from 'node:child_process';
import { renameSync, symlinkSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
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

const all = () => true;
const resolve = (uri: string) => fileSource(folder.path).resolve(uri, all);

it('follows links that stay inside', async () => {
  await folder.write({ 'm/blobs/1': 'x', 'm/real/w': 'y' });
  await symlink('blobs/1', join(folder.path, 'm/model.bin'));
  await symlink('real', join(folder.path, 'm/alias'));
  const { files } = await resolve('file:m');
  expect(files.map(({ path }) => path)).toEqual(['alias/w', 'blobs/1', 'model.bin', 'real/w']);
  expect(files[2]?.sha256).toBe(sha256('x'));
  const [link] = files.filter(({ path }) => path === 'model.bin');
  expect(link && String(await collect(fileSource(folder.path).open('file:m', '', link)))).toBe('x');
});

it.each([
  ['a file', 'secret', 'leak'],
  ['a folder', '.', 'leak'],
  ['an absolute path', '/etc/hostname', 'leak'],
])('rejects a link out of the source: %s', async (_, target, link) => {
  await folder.write({ 'm/a': 'a', 'outside/secret': 's' });
  const to = target.startsWith('/') ? target : join('..', 'outside', target);
  await symlink(to, join(folder.path, 'm', link));
  const error = await failure(resolve('file:m'));
  expect(error.code).toBe('source');
  expect(error.message).toMatch(/^read file:m: leak is a symbolic link out of the source, to \//);
});

it('rejects a folder whose name only starts like the source', async () => {
  await folder.write({ 'm/a': 'a', 'm-secret/s': 's' });
  await symlink('../m-secret/s', join(folder.path, 'm/s'));
  expect((await failure(resolve('file:m'))).message).toContain('out of the source');
});

it('rejects a relative source that a link takes out of the catalog folder', async () => {
  await folder.write({ 'catalog/x': 'x', 'outside/s': 's' });
  await symlink('../outside', join(folder.path, 'catalog/m'));
  const source = fileSource(join(folder.path, 'catalog'));
  for (const uri of ['file:m', 'file:m/s']) {
    expect((await failure(source.resolve(uri, all))).message).toContain("out of the catalog's folder");
  }
});

it('finds a catalog folder that is itself a link', async () => {
  await folder.write({ 'real/m': 'x' });
  await symlink('real', join(folder.path, 'link'));
  expect((await fileSource(join(folder.path, 'link')).resolve('file:m', all)).files).toHaveLength(1);
});

it.each([
  [
    'a loop of links to folders',
    async () => symlink('..', join(folder.path, 'm/a/up')),
    'a/up is a symbolic link to a folder that contains it',
  ],
  [
    'a link to itself',
    async () => symlink('self', join(folder.path, 'm/self')),
    'self is a symbolic link to nothing',
  ],
  [
    'a dangling link',
    async () => symlink('gone', join(folder.path, 'm/dead')),
    'dead is a symbolic link to nothing',
  ],
  [
    'a pipe',
    async () => execFileSync('mkfifo', [join(folder.path, 'm/pipe')]),
    'pipe is a pipe, socket or device',
  ],
  ['a whiteout', async () => folder.write({ 'm/.wh.x': '' }), '.wh.x holds a name with `.wh.`'],
  ['a line break', async () => folder.write({ 'm/a\nb': '' }), '\\u{a}b holds a control character'],
  ['a backslash', async () => folder.write({ 'm/a\\b': '' }), 'holds a backslash'],
  [
    'a case clash',
    async () => folder.write({ 'm/README': '', 'm/readme': '' }),
    'README and readme differ only in case',
  ],
])('rejects %s', async (_, prepare, message) => {
  await folder.write({ 'm/a/file': 'x' });
  await prepare();
  const error = await failure(resolve('file:m'));
  expect(error.code).toBe('source');
  expect(error.message).toContain(message);
});

it('rejects a name that is not UTF-8', async () => {
  await folder.write({ 'm/a': 'x' });
  await writeFile(Buffer.concat([Buffer.from(`${folder.path}/m/`), Buffer.from([0x63, 0xe9])]), '');
  expect((await failure(resolve('file:m'))).message).toContain('is not UTF-8');
});

it('rejects a socket', async () => {
  await folder.write({ 'm/a': 'x' });
  const server = createServer().listen(join(folder.path, 'm/s.sock'));
  await new Promise((done) => server.once('listening', done));
  expect((await failure(resolve('file:m'))).message).toContain('pipe, socket or device');
  await new Promise((done) => server.close(done));
});

it('stops when links to folders multiply', async () => {
  // Each level has ten links to the next: 10^6 paths from 70 entries.
  await folder.write({ 'm/l6/f': 'x' });
  for (let level = 0; level < 6; level++) {
    await mkdir(join(folder.path, `m/l${level}`), { recursive: true });
    for (let n = 0; n < 10; n++) await symlink(`../l${level + 1}`, join(folder.path, `m/l${level}/${n}`));
  }
  expect((await failure(resolve('file:m'))).message).toContain('more than 1000 symbolic links');
});

it('reads nothing through a folder that became a link after its path was checked', async () => {
  await folder.write({ 'm/sub/key': 'public', 'outside/key': 'secret' });
  const swap = (path: string): boolean => {
    if (path === 'sub/key') {
      renameSync(join(folder.path, 'm/sub'), join(folder.path, 'aside'));
      symlinkSync(join(folder.path, 'outside'), join(folder.path, 'm/sub'));
    }
    return true;
  };
  const { message } = await failure(fileSource(folder.path).resolve('file:m', swap));
  expect(message).toContain('sub/key changed while it was read');
});
