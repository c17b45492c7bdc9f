import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { imageLayer, putDocument, putManifest } from '../../../tests/support/oci-artifacts.ts';
import {
  expectFiles,
  fake,
  file,
  hash,
  noise,
  renewSource,
  resolve,
  source,
  uri,
  useOciRegistry,
} from '../../../tests/support/oci-source.ts';
import type { FileTap } from '../types.ts';

useOciRegistry();

describe('an image', () => {
  it.each(['tar', 'tar+gzip', 'tar+zstd'] as const)(
    'is its files below /models, the layers stacked (%s)',
    async (format) => {
      const digest = putManifest(fake, 'm', 'v1', [
        await imageLayer(
          [
            ['etc/passwd', 'root'],
            ['bin/sh', 'elf'],
            ['models/old.bin', 'replaced'],
          ],
          format,
        ),
        await imageLayer(
          [
            ['models/gone/a', '1'],
            ['models/gone/b', '2'],
            ['models/config.json', '{}'],
          ],
          format,
        ),
        await imageLayer(
          [
            ['models/.wh.gone', ''],
            ['models/old.bin', 'new'],
            ['models/w.bin', noise],
          ],
          format,
        ),
      ]);
      expect(await expectFiles({ 'config.json': '{}', 'old.bin': 'new', 'w.bin': noise })).toBe(digest);
    },
  );

  it('whose layer has a zstd frame for each file, as podman writes it, is read to its end', async () => {
    const entries = await imageLayer([
      ['models/a', 'first'],
      ['models/b', noise],
    ]);
    const frames = [entries.bytes.subarray(0, 1024), entries.bytes.subarray(1024)].map((part) =>
      zstdCompressSync(part),
    );
    const mediaType = 'application/vnd.oci.image.layer.v1.tar+zstd';
    putManifest(fake, 'm', 'v1', [{ mediaType, bytes: Buffer.concat(frames) }]);
    await expectFiles({ a: 'first', b: noise });
  });

  it('follows links to files, also of /models itself, and opaque whiteouts', async () => {
    putManifest(fake, 'm', 'v1', [
      await imageLayer([
        ['opt/model', null],
        ['opt/model/hidden', 'x'],
        ['opt/blob', 'shared'],
        ['models', { link: '/opt/model' }],
      ]),
      await imageLayer([
        ['opt/model/.wh..wh..opq', ''],
        ['models/soft', { link: '../blob' }],
        ['models/hard', { hard: 'opt/blob' }],
      ]),
    ]);
    await expectFiles({ hard: 'shared', soft: 'shared' });
  });

  it('skips long content of a plain tar while it lists, and passes each hashed file to a tap', async () => {
    putManifest(fake, 'm', 'v1', [
      await imageLayer([
        ['models/a', noise],
        ['models/b', 'b'],
      ]),
    ]);
    const tapped: string[] = [];
    const tap: FileTap = ({ path }) => ({
      update() {},
      end: async (sha256) => void tapped.push(`${path} ${sha256}`),
    });
    await source.resolve(uri(), () => false);
    const ranges = fake.requests
      .filter(({ path }) => path.includes('/blobs/'))
      .map(({ headers }) => headers.range);
    expect(ranges).toEqual([undefined, `bytes=${512 + noise.length}-`]);
    await resolve(uri(), tap);
    expect(tapped).toEqual([`a ${hash(noise)}`, `b ${hash('b')}`]);
  });

  it('of an index is that of linux/amd64, never an attestation', async () => {
    const arm = putManifest(fake, 'm', 'arm', [await imageLayer([['models/x', 'arm']])]);
    const amd = putManifest(fake, 'm', 'amd', [await imageLayer([['models/x', 'amd']])]);
    const type = 'application/vnd.oci.image.manifest.v1+json';
    const entry = (digest: string, os: string, architecture: string) => ({
      mediaType: type,
      digest,
      size: fake.manifests.get(`m ${digest}`)?.bytes.length,
      platform: { os, architecture },
    });
    const index = putDocument(fake, 'm', 'v1', 'application/vnd.oci.image.index.v1+json', {
      schemaVersion: 2,
      manifests: [
        entry(arm, 'unknown', 'unknown'),
        entry(arm, 'linux', 'arm64'),
        entry(amd, 'linux', 'amd64'),
      ],
    });
    expect(await expectFiles({ x: 'amd' })).toBe(index);
    expect(await source.revision(uri())).toBe(index);
  });

  it('without /models is taken whole if it is data, and refused if it is a system', async () => {
    putManifest(fake, 'm', 'v1', [await imageLayer([['model.bst', 'x']])]);
    await expectFiles({ 'model.bst': 'x' });
    putManifest(fake, 'm', 'v1', [
      await imageLayer([
        ['usr/bin/sh', 'x'],
        ['mnt/model.bst', 'x'],
      ]),
    ]);
    await expect(resolve()).rejects.toMatchObject({
      code: 'source',
      message: expect.stringMatching(
        /^read oci:\S+: it is an image without \/models; beside its system it has \/mnt; expected a modelcar/,
      ),
    });
  });

  it('is read through a mirror', async () => {
    putManifest(fake, 'copy/m', 'v1', [await imageLayer([['models/x', 'x']])]);
    await renewSource({ 'quay.io/me': `${fake.host}/copy` });
    expect((await resolve('oci://quay.io/me/m:v1')).files).toEqual([file('x', 'x')]);
  });
});
