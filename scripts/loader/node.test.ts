import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { member, type Spec } from '../../tests/support/odd-tars.ts';
import type { Base } from '../bases/base-image.ts';
import { type Content, mediaTypes } from '../image/types.ts';
import { checkNode } from './node.ts';

const digest = `sha256:${'0'.repeat(64)}` as const;
const end = Buffer.alloc(1024);
const tarOf = (...members: Spec[]) => Buffer.concat([...members.map(member), end]);
const program = (name: string, more: Partial<Spec> = {}): Spec => ({ name, mode: 0o755, ...more });
const link = (name: string, to: string): Spec => ({ name, type: '2', link: to });

function layer(bytes: Buffer, mediaType: string = mediaTypes.layer): Content & { size: number } {
  return {
    mediaType,
    digest,
    size: bytes.length,
    async *open() {
      yield bytes;
    },
  };
}

function baseOf(contents: (Content & { size: number })[], path?: string): Base {
  return {
    name: 'quay.io/a/b:1',
    platform: { os: 'linux', architecture: 'amd64' },
    digest,
    config: {
      os: 'linux',
      architecture: 'amd64',
      config: path === undefined ? {} : { Env: [`PATH=${path}`] },
      rootfs: { type: 'layers', diff_ids: [] },
      history: [],
    },
    layers: contents.map(({ mediaType, size }) => ({ mediaType, digest, size })),
    contents,
  };
}

const node = tarOf(program('usr/local/bin/node', { content: 'ELF' }));

it.each<[string, Base]>([
  ['in the default PATH of engines', baseOf([layer(node)])],
  ['in the PATH of the base', baseOf([layer(tarOf(program('opt/node/bin/node')))], '/bin:/opt/node/bin')],
  [
    'behind links, absolute and relative',
    baseOf([
      layer(tarOf(link('bin', 'usr/bin'), link('usr/bin/node', '/opt/v24/node'))),
      layer(tarOf(link('opt/v24', './current'), program('opt/current/node'))),
    ]),
  ],
  [
    'as a hard link',
    baseOf([
      layer(tarOf(program('usr/bin/nodejs'), { name: 'usr/bin/node', type: '1', link: 'usr/bin/nodejs' })),
    ]),
  ],
  ['compressed with gzip', baseOf([layer(gzipSync(node), mediaTypes.layerGzip)])],
  ['compressed with zstd', baseOf([layer(zstdCompressSync(node), mediaTypes.layerZstd)])],
])('finds Node %s', async (_, base) => {
  await checkNode(base, 'lock it');
});

it.each<[string, Base]>([
  ['no layers', baseOf([])],
  ['only another program', baseOf([layer(tarOf(program('bin/sh')))])],
  ['a Node outside its PATH', baseOf([layer(node)], '/usr/bin:/bin')],
  [
    'a Node that a later layer deletes',
    baseOf([layer(node), layer(tarOf({ name: 'usr/local/bin/.wh.node' }))]),
  ],
  ['a Node that only root can run', baseOf([layer(tarOf(program('usr/bin/node', { mode: 0o700 })))])],
  ['a folder with that name', baseOf([layer(tarOf({ name: 'usr/bin/node', type: '5', mode: 0o755 }))])],
  ['a link to itself', baseOf([layer(tarOf(link('usr/bin/node', 'node')))])],
  ['a link to nothing', baseOf([layer(tarOf(link('usr/bin/node', '../lib/node')))])],
])('rejects a base with %s', async (_, base) => {
  await expect(checkNode(base, 'lock loader')).rejects.toMatchObject({
    code: 'catalog',
    message: expect.stringMatching(
      /^lock loader: base quay\.io\/a\/b:1 \(linux\/amd64\) has no `node` that any user can run on \//,
    ),
    next: 'give the loader a base with Node 24, such as docker.io/library/node:24-slim',
  });
});

const small = { stored: 10_000, unpacked: 1_000_000, members: 10, names: 1000 };

it.each<[string, Base, RegExp]>([
  ['too many bytes', baseOf([layer(Buffer.alloc(10_001))]), /its layers have 10001 bytes, too many/],
  [
    'a bomb',
    baseOf([
      layer(
        gzipSync(Buffer.concat([member(program('a', { content: Buffer.alloc(2_000_000) })), end])),
        mediaTypes.layerGzip,
      ),
    ]),
    /unpack to over 1000000 bytes/,
  ],
  [
    'too many members',
    baseOf([layer(tarOf(...Array.from({ length: 11 }, (_, at) => ({ name: `${at}` }))))]),
    /too many tar members/,
  ],
  [
    'too long names',
    baseOf([layer(tarOf({ name: 'x'.repeat(600) }, { name: 'y'.repeat(600) }))]),
    /names in the image are too long/,
  ],
  ['junk instead of a tar', baseOf([layer(Buffer.alloc(2048, 7))]), /\(linux\/amd64\): /],
  [
    'a truncated tar',
    baseOf([layer(member(program('a', { content: 'abc' })).subarray(0, 600))]),
    /ends in the middle/,
  ],
  ['junk instead of gzip', baseOf([layer(Buffer.from('no gzip'), mediaTypes.layerGzip)]), /is not gzip/],
  [
    'an unknown media type',
    baseOf([layer(node, 'application/x-squashfs')]),
    /media type application\/x-squashfs/,
  ],
])('fails with a ModelcarsError for a base with %s', async (_, base, message) => {
  await expect(checkNode(base, 'lock loader', undefined, small)).rejects.toMatchObject({
    code: 'integrity',
    message: expect.stringMatching(message),
  });
});
