import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { renameSync, symlinkSync } from 'node:fs';
import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ModelcarsError } from '../../errors.ts';
import { fileKind } from './index.ts';
import { fileSource } from './source.ts';

const all = () => true;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-file-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function make(files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

async function failure(promise: Promise<unknown>): Promise<ModelcarsError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ModelcarsError);
  return error as ModelcarsError;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

const resolve = (uri: string, signal?: AbortSignal) => fileSource(folder).resolve(uri, all, signal);

it('lists a single file by its name', async () => {
  await make({ 'deep/model.joblib': 'hello' });
  const { files } = await resolve('file:deep/model.joblib');
  expect(files).toEqual([{ path: 'model.joblib', size: 5, sha256: sha256('hello') }]);
});

it('lists a folder recursively in byte order, without .git and .DS_Store', async () => {
  await make({
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
  await make({ 'm/a': 'one', 'm/b': 'two' });
  const { revision } = await resolve('file:m');
  expect(revision).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(revision).toBe(`sha256:${sha256(`${sha256('one')} 3 a\n${sha256('two')} 3 b\n`)}`);
  await utimes(join(folder, 'm/a'), 1, 1);
  await chmod(join(folder, 'm/a'), 0o600);
  expect((await resolve('file:./m/')).revision).toBe(revision);
  await writeFile(join(folder, 'm/a'), 'two');
  expect((await resolve('file:m')).revision).not.toBe(revision);
});

it('takes only what is selected, and does not look at the rest', async () => {
  await make({ 'm/a.bin': 'a', 'm/b.txt': 'b', 'm/ctrl\u0007': 'x' });
  await symlink('/nowhere', join(folder, 'm/dead'));
  const { files } = await fileSource(folder).resolve('file:m', (path) => path.endsWith('.bin'));
  expect(files.map(({ path }) => path)).toEqual(['a.bin']);
  expect((await fileSource(folder).resolve('file:m/a.bin', () => false)).files).toEqual([]);
});

it('reads absolute and percent-encoded URIs', async () => {
  await make({ 'my models/50%.bin': 'x' });
  const uri = `file://${encodeURI(folder)}/my%20models/50%25.bin`;
  expect((await resolve(uri)).files[0]?.path).toBe('50%.bin');
});

it('follows links that stay inside', async () => {
  await make({ 'm/blobs/1': 'x', 'm/real/w': 'y' });
  await symlink('blobs/1', join(folder, 'm/model.bin'));
  await symlink('real', join(folder, 'm/alias'));
  const { files } = await resolve('file:m');
  expect(files.map(({ path }) => path)).toEqual(['alias/w', 'blobs/1', 'model.bin', 'real/w']);
  expect(files[2]?.sha256).toBe(sha256('x'));
  const [link] = files.filter(({ path }) => path === 'model.bin');
  expect(link && String(await collect(fileSource(folder).open('file:m', '', link)))).toBe('x');
});

it.each([
  ['a file', 'secret', 'leak'],
  ['a folder', '.', 'leak'],
  ['an absolute path', '/etc/hostname', 'leak'],
])('refuses a link out of the source: %s', async (_, target, link) => {
  await make({ 'm/a': 'a', 'outside/secret': 's' });
  const to = target.startsWith('/') ? target : join('..', 'outside', target);
  await symlink(to, join(folder, 'm', link));
  const error = await failure(resolve('file:m'));
  expect(error.code).toBe('source');
  expect(error.message).toMatch(/^read file:m: leak is a symbolic link out of the source, to \//);
});

it('refuses a folder whose name only starts like the source', async () => {
  await make({ 'm/a': 'a', 'm-secret/s': 's' });
  await symlink('../m-secret/s', join(folder, 'm/s'));
  expect((await failure(resolve('file:m'))).message).toContain('out of the source');
});

it('refuses a relative source that a link takes out of the catalog folder', async () => {
  await make({ 'catalog/x': 'x', 'outside/s': 's' });
  await symlink('../outside', join(folder, 'catalog/m'));
  const source = fileSource(join(folder, 'catalog'));
  for (const uri of ['file:m', 'file:m/s']) {
    expect((await failure(source.resolve(uri, all))).message).toContain("out of the catalog's folder");
  }
});

it('finds a catalog folder that is itself a link', async () => {
  await make({ 'real/m': 'x' });
  await symlink('real', join(folder, 'link'));
  expect((await fileSource(join(folder, 'link')).resolve('file:m', all)).files).toHaveLength(1);
});

it.each([
  [
    'a circle of links to folders',
    async () => symlink('..', join(folder, 'm/a/up')),
    'a/up is a symbolic link to a folder that holds it',
  ],
  [
    'a link to itself',
    async () => symlink('self', join(folder, 'm/self')),
    'self is a symbolic link to nothing',
  ],
  ['a dead link', async () => symlink('gone', join(folder, 'm/dead')), 'dead is a symbolic link to nothing'],
  [
    'a pipe',
    async () => execFileSync('mkfifo', [join(folder, 'm/pipe')]),
    'pipe is a pipe, socket or device',
  ],
  ['a whiteout', async () => make({ 'm/.wh.x': '' }), '.wh.x holds a name with `.wh.`'],
  ['a line break', async () => make({ 'm/a\nb': '' }), '\\u{a}b holds a control character'],
  ['a backslash', async () => make({ 'm/a\\b': '' }), 'holds a backslash'],
  [
    'a case clash',
    async () => make({ 'm/README': '', 'm/readme': '' }),
    'README and readme differ only in case',
  ],
])('refuses %s', async (_, prepare, message) => {
  await make({ 'm/a/file': 'x' });
  await prepare();
  const error = await failure(resolve('file:m'));
  expect(error.code).toBe('source');
  expect(error.message).toContain(message);
});

it('refuses a name that is not UTF-8', async () => {
  await make({ 'm/a': 'x' });
  await writeFile(Buffer.concat([Buffer.from(`${folder}/m/`), Buffer.from([0x63, 0xe9])]), '');
  expect((await failure(resolve('file:m'))).message).toContain('is not UTF-8');
});

it('refuses a socket', async () => {
  await make({ 'm/a': 'x' });
  const server = createServer().listen(join(folder, 'm/s.sock'));
  await new Promise((done) => server.once('listening', done));
  expect((await failure(resolve('file:m'))).message).toContain('pipe, socket or device');
  await new Promise((done) => server.close(done));
});

it.each([
  ['file:nothing', 'no such file or folder'],
  ['file:m/a/b', 'a part of the path is a file'],
  ['file:empty', 'the folder has no files'],
  ['file:../x', 'inside the folder'],
  ['file:///dev/null', 'neither a file nor a folder'],
  [`file:${'x'.repeat(300)}`, 'the path is too long'],
])('says what is wrong with %s', async (uri, words) => {
  await make({ 'm/a': 'x' });
  await mkdir(join(folder, 'empty/sub'), { recursive: true });
  const error = await failure(resolve(uri));
  expect(error.code).toBe('source');
  expect(error.message).toContain(words);
  expect(error.next).toBeTruthy();
});

it('stops where links to folders multiply', async () => {
  // Each level holds ten links to the next: 10^6 paths from 70 entries.
  await make({ 'm/l6/f': 'x' });
  for (let level = 0; level < 6; level++) {
    await mkdir(join(folder, `m/l${level}`), { recursive: true });
    for (let n = 0; n < 10; n++) await symlink(`../l${level + 1}`, join(folder, `m/l${level}/${n}`));
  }
  expect((await failure(resolve('file:m'))).message).toContain('more than 1000 symbolic links');
});

it('stops when aborted, with the reason it was given', async () => {
  await make({ 'm/a': 'x' });
  expect((await failure(resolve('file:m', AbortSignal.abort()))).code).toBe('cancelled');
  const reason = new ModelcarsError('network', 'elsewhere');
  expect(await failure(resolve('file:m', AbortSignal.abort(reason)))).toBe(reason);
});

it('reads nothing through a folder that became a link after its path was checked', async () => {
  await make({ 'm/sub/key': 'public', 'outside/key': 'secret' });
  const swap = (path: string): boolean => {
    if (path === 'sub/key') {
      renameSync(join(folder, 'm/sub'), join(folder, 'aside'));
      symlinkSync(join(folder, 'outside'), join(folder, 'm/sub'));
    }
    return true;
  };
  const { message } = await failure(fileSource(folder).resolve('file:m', swap));
  expect(message).toContain('sub/key changed while it was read');
});

it('notices a file that changes while it is read', async () => {
  await make({ 'm/a': 'x' });
  await truncate(join(folder, 'm/a'), 64 * 1024 ** 2);
  const hashing = failure(resolve('file:m'));
  // Appends until the reader is done: whatever it saw first, size or time differ in the end.
  let done = false;
  void hashing.then(() => {
    done = true;
  });
  while (!done) await appendFile(join(folder, 'm/a'), 'y');
  expect((await hashing).message).toContain('changed while it was read');
});

const big = Buffer.alloc(3 * 1024 ** 2 + 17, 'abcdefg');
const locked = { path: 'w', size: big.length, sha256: sha256(big) };

it('streams a file in chunks of a mebibyte, from any offset', async () => {
  await make({ 'm/w': big });
  const source = fileSource(folder);
  const sizes: number[] = [];
  for await (const chunk of source.open('file:m', '', locked)) sizes.push(chunk.length);
  expect(sizes).toEqual([...Array(3).fill(1024 * 1024), 17]);
  expect(await collect(source.open('file:m', '', locked))).toEqual(big);
  expect(await collect(source.open('file:m', '', locked, 2_000_001))).toEqual(big.subarray(2_000_001));
  expect(await collect(source.open('file:m', '', locked, big.length))).toHaveLength(0);
});

it('opens a file of `files:` by its URI, whatever its path in the image', async () => {
  await make({ 'm/w': 'x' });
  const file = { path: 'other/name', size: 1, sha256: sha256('x'), source: 'file:m/w' };
  expect(String(await collect(fileSource(folder).open('file:m/w', '', file)))).toBe('x');
});

it('says when a file is no longer what the lock says', async () => {
  await make({ 'm/w': 'four', 'out/s': 'four' });
  const source = fileSource(folder);
  const opened = (path: string, size: number) =>
    failure(collect(source.open('file:m', '', { ...locked, path, size })));
  const longer = await opened('w', 5);
  expect(longer).toMatchObject({ code: 'integrity', next: 'run `modelcars lock` if the change is meant' });
  expect(longer.message).toBe('read w of file:m: it has 4 bytes, the lock says 5');
  expect(await opened('gone', 4)).toMatchObject({
    code: 'integrity',
    message: expect.stringContaining('not there any more'),
  });
  await mkdir(join(folder, 'm/d'));
  expect(await opened('d', 4)).toMatchObject({
    code: 'integrity',
    message: expect.stringContaining('no regular file'),
  });
  await symlink('../out/s', join(folder, 'm/leak'));
  expect(await opened('leak', 4)).toMatchObject({
    code: 'source',
    message: expect.stringContaining('out of the source'),
  });
  execFileSync('mkfifo', [join(folder, 'm/pipe')]);
  expect((await opened('pipe', 4)).message).toContain('no regular file');
});

it('stops reading when the file shrinks under it', async () => {
  await make({ 'm/w': big });
  const chunks = fileSource(folder).open('file:m', '', locked)[Symbol.asyncIterator]();
  await chunks.next();
  await truncate(join(folder, 'm/w'), 1024 * 1024 + 5);
  await chunks.next();
  const error = await failure(chunks.next());
  expect(error.code).toBe('integrity');
  expect(error.message).toBe(`read w of file:m: it ends after 1048581 bytes, the lock says ${big.length}`);
});

it('stops reading when aborted', async () => {
  await make({ 'm/w': big });
  const stop = new AbortController();
  const chunks = fileSource(folder).open('file:m', '', locked, 0, stop.signal)[Symbol.asyncIterator]();
  await chunks.next();
  stop.abort();
  expect((await failure(chunks.next())).code).toBe('cancelled');
});

it('knows that a folder is more than one file', async () => {
  await make({ 'm/w': 'x' });
  const namesMany = (uri: string) => fileKind.namesMany?.(uri, { directory: folder });
  expect(await namesMany('file:m')).toBe('a folder');
  expect(await namesMany('file:m/w')).toBeUndefined();
});
