import { hash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { member } from '../../tests/support/odd-tars.ts';
import { type Base, openBase, pinBase } from '../bases/base-image.ts';
import { ModelcarsError } from '../errors.ts';
import { type Digest, mediaTypes } from '../image/types.ts';
import { openLayout } from '../layout/open.ts';
import { packageFile } from '../package.ts';
import { readSoftware } from './base-software.ts';

const { signal } = new AbortController();
const installed = 'lib/apk/db/installed';
const apk = (...names: string[]) => names.map((name) => `P:${name}\nV:1.0-r0\n`).join('\n');
const tar = (...members: Parameters<typeof member>[0][]) =>
  Buffer.concat([...members.map(member), Buffer.alloc(1024)]);

/** A base of these blobs, in order. */
function baseOf(...layers: { mediaType: string; bytes: Buffer }[]): Base {
  const described = layers.map(({ mediaType, bytes }) => {
    const digest: Digest = `sha256:${hash('sha256', bytes)}`;
    return { mediaType, digest, size: bytes.length };
  });
  return {
    name: 'test',
    platform: { os: 'linux', architecture: 'amd64' },
    digest: `sha256:${'0'.repeat(64)}`,
    config: { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [] } },
    layers: described,
    contents: layers.map(({ bytes }, at) => ({
      ...described[at],
      mediaType: 'x',
      async *open() {
        yield bytes;
      },
    })),
  };
}
const plain = (bytes: Buffer) => ({ mediaType: mediaTypes.layer, bytes });
const names = async (...layers: Parameters<typeof baseOf>) =>
  (await readSoftware(baseOf(...layers), signal)).packages.map(({ name }) => name);

describe('the packages of a base image', () => {
  test('are those of the embedded base: its Go modules, as `go version -m` prints them', async () => {
    await using layout = await openLayout(packageFile('base/layout'));
    for (const platform of ['linux/amd64', 'linux/s390x']) {
      const { [platform]: pin } = await pinBase(layout, 'embedded', 'embedded', [platform]);
      const base = await openBase(layout, 'embedded', platform, pin as Digest);
      expect(await readSoftware(base, signal)).toEqual({
        packages: [
          'golang.org/x/sys@v0.47.0',
          'golang.org/x/term@v0.45.0',
          'modelcars/base',
          'mvdan.cc/sh/v3@v3.14.1',
          'stdlib@1.26.8',
        ].map((purl) => expect.objectContaining({ purl: `pkg:golang/${purl}` })),
        read: ['build information of Go programs'],
        unread: [],
      });
    }
  });

  test('are read from plain, gzip and zstd layers', async () => {
    const bytes = tar({ name: `./${installed}`, content: apk('musl') });
    expect(await names(plain(bytes))).toEqual(['musl']);
    expect(await names({ mediaType: mediaTypes.layerGzip, bytes: gzipSync(bytes) })).toEqual(['musl']);
    expect(await names({ mediaType: mediaTypes.layerZstd, bytes: zstdCompressSync(bytes) })).toEqual([
      'musl',
    ]);
  });

  test('are those of the last layer that has the record', async () => {
    const first = plain(tar({ name: installed, content: apk('musl', 'busybox') }));
    expect(await names(first, plain(tar({ name: installed, content: apk('musl') })))).toEqual(['musl']);
  });

  test.each([
    ['the record', 'lib/apk/db/.wh.installed'],
    ['its folder', 'lib/apk/.wh.db'],
    ['all of its folder', 'lib/apk/db/.wh..wh..opq'],
    ['everything', '.wh..wh..opq'],
  ])('are gone with %s', async (_, whiteout) => {
    const first = plain(tar({ name: installed, content: apk('musl') }));
    expect(await names(first, plain(tar({ name: whiteout })))).toEqual([]);
    // Of its own layer, a whiteout deletes nothing.
    const replaced = tar({ name: installed, content: apk('new') }, { name: 'lib/apk/db/.wh..wh..opq' });
    expect(await names(first, plain(replaced))).toEqual(['new']);
  });

  test('are gone when something else is in the place of the record', async () => {
    const first = plain(tar({ name: installed, content: apk('musl') }));
    const link = tar({ name: installed, type: '2', link: '/elsewhere' });
    expect(await names(first, plain(link))).toEqual([]);
    const twice = tar(
      { name: installed, content: apk('musl') },
      { name: installed, type: '2', link: '/elsewhere' },
    );
    expect(await names(plain(twice))).toEqual([]);
  });

  test('without any record are unknown, not none', async () => {
    const software = await readSoftware(
      baseOf(plain(tar({ name: 'bin/sh', mode: 0o755, content: 'x' }))),
      signal,
    );
    expect(software).toEqual({ packages: [], read: [], unread: [] });
  });

  test.each([
    ['a layer that is no tar', plain(Buffer.alloc(512, 7))],
    ['a layer that is no gzip', { mediaType: mediaTypes.layerGzip, bytes: Buffer.alloc(512, 7) }],
  ])('of %s fail', async (_, layer) => {
    const problem: unknown = await readSoftware(baseOf(layer), signal).catch((error) => error);
    expect(problem).toBeInstanceOf(ModelcarsError);
    expect(problem).toMatchObject({ code: 'integrity' });
  });
});
