import { chmod, lstat, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Header, pack } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { member } from '../../../tests/support/odd-tars.ts';
import { ModelcarsError } from '../../errors.ts';
import { type Descriptor, mediaTypes } from '../../image/types.ts';
import { type Reader, removeTree, unpackLayers } from './unpack.ts';

type Member = Partial<Header> & { name: string; text?: string };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unpack-'));
});
afterEach(() => removeTree(folder));

const never = new AbortController().signal;
/** A random user of group 0, for a process that cannot set owners. */
const stranger: Reader = { uid: 64_000, gid: 0, chown: false };

async function tar(...members: Member[]): Promise<Buffer> {
  const packer = pack();
  for (const { text = '', ...header } of members) packer.entry(header, text);
  packer.finalize();
  return await buffer(packer);
}

/** Unpacks tars as layers into `folder`. */
async function unpack(
  layers: Buffer[],
  mediaType: string = mediaTypes.layer,
  reader = stranger,
): Promise<void> {
  const descriptors = layers.map(
    (bytes, at): Descriptor => ({ mediaType, digest: `sha256:${at}`, size: bytes.length }),
  );
  const store = {
    async *open(descriptor: Descriptor) {
      const bytes = layers[descriptors.indexOf(descriptor)] ?? Buffer.alloc(0);
      for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
    },
  };
  await unpackLayers(store, descriptors, folder, reader, never);
}

it.each([
  [mediaTypes.layer, (bytes: Buffer) => bytes],
  [mediaTypes.layerGzip, gzipSync],
  [mediaTypes.layerZstd, zstdCompressSync],
])('unpacks %s', async (mediaType, compress) => {
  const text = 'weights '.repeat(1000);
  await unpack([compress(await tar({ name: 'models/deep/w', text, mode: 0o444 }))], mediaType);
  expect(await readFile(join(folder, 'models/deep/w'), 'utf8')).toBe(text);
});

it('applies later layers to earlier ones: files, whiteouts, opaque folders, a folder in place of a file', async () => {
  await unpack([
    await tar(
      { name: './a', text: 'old' },
      { name: 'gone', text: 'x' },
      { name: 'full/one', text: '1' },
      { name: 'turns', text: 'file' },
    ),
    await tar(
      { name: 'a', text: 'new' },
      { name: '.wh.gone' },
      { name: 'full/.wh..wh..opq' },
      { name: 'full/two', text: '2' },
      { name: 'turns/', type: 'directory', mode: 0o755 },
      { name: 'turns/in', text: 'in' },
    ),
  ]);
  expect(await readFile(join(folder, 'a'), 'utf8')).toBe('new');
  expect((await readdir(folder)).sort()).toEqual(['a', 'full', 'turns']);
  expect(await readdir(join(folder, 'full'))).toEqual(['two']);
  expect(await readdir(join(folder, 'turns'))).toEqual(['in']);
});

describe('modes, without permission to set owners', () => {
  const mode = async (path: string) => (await stat(join(folder, path))).mode & 0o700;
  it.each<[string, Partial<Header>, number]>([
    ['the contract', { mode: 0o444, uid: 1001, gid: 0 }, 0o400],
    ['only the owner', { mode: 0o400, uid: 1001, gid: 0 }, 0],
    ['group 0', { mode: 0o040, uid: 1001, gid: 0 }, 0o400],
    ['another group', { mode: 0o040, uid: 1001, gid: 1001 }, 0],
    ['others, but not group 0', { mode: 0o404, uid: 1001, gid: 0 }, 0],
    ["the owner's mode for files of this user", { mode: 0o600, uid: stranger.uid, gid: 7 }, 0o600],
  ])('%s', async (_, header, expected) => {
    await unpack([await tar({ name: 'f', ...header })]);
    expect(await mode('f')).toBe(expected);
  });

  it('closes a folder of root, including its files', async () => {
    const own = { mode: 0o700, uid: 0, gid: 0 };
    await unpack([await tar({ name: 'm/', type: 'directory', ...own }, { name: 'm/f', text: 'x' })]);
    expect(await mode('m')).toBe(0);
  });
});

describe('stays in its folder', () => {
  it.each<[string, Member[]]>([
    [
      'by a link to a folder outside',
      [
        { name: 'out', type: 'symlink', linkname: '/' },
        { name: 'out/tmp/x', text: 'x' },
      ],
    ],
    ['by ..', [{ name: 'a/../../tmp/x', text: 'x' }]],
    [
      'by a link with ..',
      [
        { name: 'a/up', type: 'symlink', linkname: '../../..' },
        { name: 'a/up/tmp/x', text: 'x' },
      ],
    ],
    ['by an absolute name', [{ name: '/tmp/x', text: 'x' }]],
  ])('%s', async (_, members) => {
    await unpack([await tar(...members)]);
    expect(await readFile(join(folder, 'tmp/x'), 'utf8')).toBe('x');
  });

  it('when a file replaces a link: the link is deleted, not its target', async () => {
    await using kept = await temporaryFile('kept');
    await unpack([
      await tar({ name: 'f', type: 'symlink', linkname: kept.path }, { name: 'f', text: 'mine' }),
    ]);
    expect(await readFile(kept.path, 'utf8')).toBe('kept');
    expect(await readFile(join(folder, 'f'), 'utf8')).toBe('mine');
  });

  it('with a hard link', async () => {
    await using kept = await temporaryFile('kept');
    const link = { name: 'f', type: 'link' as const, linkname: kept.path };
    await expect(unpack([await tar(link)])).rejects.toThrow(/unpack the image/);
  });

  it('with a loop of links', async () => {
    const circle = [
      { name: 'a', type: 'symlink' as const, linkname: 'b' },
      { name: 'b', type: 'symlink' as const, linkname: 'a' },
    ];
    await expect(unpack([await tar(...circle, { name: 'a/x' })])).rejects.toMatchObject({
      code: 'integrity',
    });
  });
});

it('sets no mode through a link that replaced a folder', async () => {
  await using kept = await temporaryFile('kept');
  const outside = dirname(kept.path);
  await chmod(outside, 0o750);
  const [parent, name] = [dirname(outside), basename(outside)];
  await unpack([
    await tar({ name: `a/${name}/`, type: 'directory', mode: 0o777, uid: stranger.uid }),
    await tar({ name: '.wh.a' }, { name: 'a', type: 'symlink', linkname: parent }),
  ]);
  expect(await readlink(join(folder, 'a'))).toBe(parent);
  expect((await stat(outside)).mode & 0o777).toBe(0o750);
});

it('unpacks an image whose later layer removes a folder', async () => {
  await unpack([
    await tar({ name: 'a/b/', type: 'directory', mode: 0o755 }, { name: 'a/b/c', text: 'x' }),
    await tar({ name: '.wh.a' }, { name: 'd', text: 'y' }),
  ]);
  expect(await readdir(folder)).toEqual(['d']);
});

it.each<[string, Member[], RegExp]>([
  [
    'a file below a file',
    [
      { name: 'f', text: 'x' },
      { name: 'f/g', text: 'y' },
    ],
    /f\/g: its parent is no folder/,
  ],
  [
    'a hard link to nothing',
    [{ name: 'l', type: 'link', linkname: 'none' }],
    /l: what it links to is missing/,
  ],
  [
    'a hard link to a folder',
    [
      { name: 'd/', type: 'directory' },
      { name: 'l', type: 'link', linkname: 'd' },
    ],
    /l: what it links to is a folder/,
  ],
  [
    'a hard link out of the root',
    [{ name: 'l', type: 'link', linkname: '../../..' }],
    /l: what it links to is a folder/,
  ],
  ['a name that no file system accepts', [{ name: 'n'.repeat(300), text: 'x' }], /its name is too long/],
  ['a member without a name', [{ name: '..', text: 'x' }], /named `\.\.`/],
])('reports %s', async (_, members, message) => {
  await expect(unpack([await tar(...members)])).rejects.toThrow(message);
  await expect(unpack([await tar(...members)])).rejects.toBeInstanceOf(ModelcarsError);
});

it('skips devices and pipes, and removes the set-user-ID bit', async () => {
  const program = {
    name: 'su',
    text: 'ELF',
    mode: 0o6755,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
  };
  const special = { mode: 0o666, devmajor: 1, devminor: 3 };
  await unpack(
    [
      await tar(
        { name: 'null', type: 'character-device', ...special },
        { name: 'disk', type: 'block-device', ...special },
        { name: 'pipe', type: 'fifo' },
        program,
      ),
    ],
    mediaTypes.layer,
    { uid: stranger.uid, gid: 0, chown: true },
  );
  expect(await readdir(folder)).toEqual(['su']);
  expect((await stat(join(folder, 'su'))).mode & 0o7777).toBe(0o755);
});

it.each([
  ['gzip', mediaTypes.layerGzip, gzipSync],
  ['zstd', mediaTypes.layerZstd, zstdCompressSync],
])('stops at a %s bomb', async (_, mediaType, compress) => {
  const zeros = compress(Buffer.alloc(64 * 1024 ** 2));
  const bomb = Buffer.concat(Array.from({ length: 5 }, () => zeros));
  await expect(unpack([bomb], mediaType)).rejects.toThrow(/far more bytes/);
});

it('does not keep a header of a gigabyte in memory', async () => {
  const tar = member({
    name: 'x',
    type: 'x',
    edit: (block) => void block.write('77777777777\0', 124),
  });
  await expect(unpack([Buffer.concat([tar, Buffer.alloc(1000)])])).rejects.toThrow(
    /PAX header has 8589934591 bytes/,
  );
});

it('keeps links unchanged, and hard links as one file', async () => {
  await unpack([
    await tar(
      { name: 'bin/tool', text: 'ELF', mode: 0o755 },
      { name: 'bin/sh', type: 'symlink', linkname: '/bin/tool' },
      { name: 'bin/ls', type: 'link', linkname: './bin/tool' },
    ),
  ]);
  expect(await readlink(join(folder, 'bin/sh'))).toBe('/bin/tool');
  expect((await lstat(join(folder, 'bin/ls'))).ino).toBe((await lstat(join(folder, 'bin/tool'))).ino);
});

it('reports a damaged layer', async () => {
  const whole = await tar({ name: 'f', text: 'x'.repeat(5000) });
  await expect(unpack([whole.subarray(0, 2000)])).rejects.toMatchObject({
    code: 'integrity',
    next: expect.stringContaining('modelcars verify'),
  });
});

async function temporaryFile(text: string): Promise<AsyncDisposable & { path: string }> {
  const own = await mkdtemp(join(tmpdir(), 'unpack-outside-'));
  const path = join(own, 'file');
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: async () => await rm(own, { recursive: true }) };
}
