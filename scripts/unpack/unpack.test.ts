import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Entry, imageLayer, tarOf } from '../../tests/support/oci-artifacts.ts';
import { directory, member } from '../../tests/support/odd-tars.ts';
import { ModelcarsError } from '../errors.ts';
import type { Descriptor, Digest, ImageStore } from '../image/types.ts';
import type { Content, ContentLayer } from '../sources/oci/layers.ts';
import { unpackContent } from './unpack.ts';

const big = randomBytes(3 * 1024 ** 2);
const hex = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const digestOf = (bytes: Uint8Array): Digest => `sha256:${hex(bytes)}`;

/** A store that checks a blob that is read whole, as every ImageStore does, and nothing else. */
class Blobs implements Pick<ImageStore, 'open'> {
  readonly blobs = new Map<Digest, Buffer>();
  /** Bytes sent. */
  sent = 0;
  opened = 0;
  /** Bytes after which the next connections break. */
  breakAfter = Number.POSITIVE_INFINITY;

  async *open({ digest }: Descriptor, offset = 0): AsyncGenerator<Uint8Array> {
    this.opened++;
    const bytes = this.blobs.get(digest) ?? Buffer.alloc(0);
    for (let at = offset; at < bytes.length; at += 65_536) {
      if (at - offset > this.breakAfter) throw new ModelcarsError('network', 'the connection broke');
      const chunk = bytes.subarray(at, at + 65_536);
      this.sent += chunk.length;
      yield chunk;
    }
    if (offset === 0 && digestOf(bytes) !== digest)
      throw new ModelcarsError('integrity', `its bytes have digest ${digestOf(bytes)}`);
  }

  put(bytes: Buffer, format = 'tar', files?: { path: string; size: number; sha256: string }[]): ContentLayer {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    const descriptor: Descriptor = {
      mediaType: `application/vnd.oci.image.layer.v1.${format}`,
      digest,
      size: bytes.length,
      ...(files && { annotations: { 'dev.modelcars.layer.files': JSON.stringify(files) } }),
    };
    const compression = format.split('+')[1] as 'gzip' | 'zstd' | undefined;
    return { kind: 'tar', prefix: '', descriptor, ...(compression && { compression }) };
  }
}

let store: Blobs;
let work: string;
beforeEach(async () => {
  store = new Blobs();
  work = await mkdtemp(join(tmpdir(), 'modelcars-unpack-'));
});
afterEach(() => rm(work, { recursive: true, force: true }));

const folder = (digest: Digest) => join(work, digest.slice(7));
let counts = { received: 0, resumed: 0 };
async function unpack(
  layers: ContentLayer[],
  { isImage = true, select = (path: string) => path !== '' } = {},
) {
  counts = { received: 0, resumed: 0 };
  const content: Content = { isImage, layers };
  const files = await unpackContent(store, content, {
    where: 'iris:v1',
    select,
    folder,
    signal: new AbortController().signal,
    onBytes: (count, fromDisk) => {
      counts[fromDisk ? 'resumed' : 'received'] += count;
    },
  });
  const read = files.map(async ({ name, path, size, sha256 }) => {
    const bytes = await readFile(path);
    expect([bytes.length, hex(bytes)]).toEqual([size, sha256]);
    return [name, bytes] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}
const layer = async (entries: Entry[], format: 'tar' | 'tar+gzip' | 'tar+zstd' = 'tar') =>
  store.put((await imageLayer(entries, format)).bytes, format);
const listed = (files: Record<string, Uint8Array | string>) =>
  Object.entries(files).map(([path, bytes]) => ({
    path: `models/${path}`,
    size: Buffer.byteLength(bytes),
    sha256: hex(bytes),
  }));

describe.each(['tar', 'tar+gzip', 'tar+zstd'] as const)('layers of type %s', (format) => {
  it('are stacked, with whiteouts and links, and each is read once', async () => {
    const layers = [
      await layer(
        [
          ['bin/sh', 'elf'],
          ['models/old.bin', 'replaced'],
          ['models/gone/a', '1'],
        ],
        format,
      ),
      await layer(
        [
          ['models/.wh.gone', ''],
          ['models/old.bin', 'new'],
          ['models/w.bin', big],
          ['models/same.bin', { hard: 'models/w.bin' }],
          ['models/link.bin', { link: 'old.bin' }],
        ],
        format,
      ),
    ];
    const files = await unpack(layers);
    expect(Object.keys(files)).toEqual(['link.bin', 'old.bin', 'same.bin', 'w.bin']);
    expect([files['link.bin'], files['old.bin']].map(String)).toEqual(['new', 'new']);
    expect(files['same.bin']?.equals(big) && files['w.bin']?.equals(big)).toBe(true);
    expect(store.opened).toBe(2);
  });
});

it('follows a link out of /models by reading that layer again', async () => {
  const layers = [
    await layer([['opt/model.bin', 'far away']]),
    await layer([['models/m', { link: '/opt/model.bin' }]]),
  ];
  expect(String((await unpack(layers)).m)).toBe('far away');
  expect(store.opened).toBe(3);
});

it('takes only selected files, and artifacts whose layers are files', async () => {
  const tar = await layer([
    ['models/a.json', '{}'],
    ['models/w.bin', big],
  ]);
  expect(Object.keys(await unpack([tar], { select: (path) => path.endsWith('.json') }))).toEqual(['a.json']);
  expect(await readdir(folder(tar.descriptor.digest))).not.toContain('1536');
  const { descriptor } = store.put(big);
  const file: ContentLayer = { kind: 'file', path: 'w.bin', descriptor };
  expect((await unpack([file], { isImage: false }))['w.bin']?.equals(big)).toBe(true);
});

describe('a run that was stopped', () => {
  const entries: Entry[] = [
    ['models/config.json', '{}'],
    ['models/w.bin', big],
    ['models/z.bin', big.subarray(1)],
  ];

  it('goes on at the byte where a layer was left', async () => {
    const large = await layer(entries);
    store.breakAfter = 2 * 1024 ** 2;
    await expect(unpack([large])).rejects.toThrow('the connection broke');
    store.breakAfter = Number.POSITIVE_INFINITY;
    store.sent = 0;
    const files = await unpack([large]);
    expect(files['z.bin']?.equals(big.subarray(1))).toBe(true);
    expect(counts.resumed).toBeGreaterThan(1.5 * 1024 ** 2);
    expect(counts.received + counts.resumed).toBe(large.descriptor.size);
    // Up to a chunk more than is used arrives before a file that is on disk.
    expect(store.sent).toBeLessThan(large.descriptor.size - counts.resumed + 2 * 65_536);
  });

  it('reads no byte of complete layers again, and all of those whose files have changed', async () => {
    const layers = [await layer(entries, 'tar+zstd'), await layer([['models/other', 'x']])];
    await unpack(layers);
    const opened = store.opened;
    await unpack(layers);
    expect([store.opened, counts.received]).toEqual([opened, 0]);
    const first = folder(layers[0]?.descriptor.digest as Digest);
    const staged = (await readdir(first)).filter((name) => /^\d+$/.test(name));
    await writeFile(join(first, staged[0] as string), '[]');
    expect(String((await unpack(layers))['config.json'])).toBe('{}');
    expect(store.opened).toBe(opened + 1);
  });

  it('starts a layer again when the disk has other bytes than were written', async () => {
    const large = await layer(entries);
    store.breakAfter = 2 * 1024 ** 2;
    await expect(unpack([large])).rejects.toThrow();
    store.breakAfter = Number.POSITIVE_INFINITY;
    const names = await readdir(folder(large.descriptor.digest));
    const path = join(
      folder(large.descriptor.digest),
      names.sort((a, b) => Number(b) - Number(a))[0] as string,
    );
    const { size } = await stat(path);
    await writeFile(path, Buffer.alloc(size));
    expect((await unpack([large]))['w.bin']?.equals(big)).toBe(true);
    expect(counts.received).toBe(large.descriptor.size);
  });
});

describe('refuses', () => {
  const refuses = async (layers: ContentLayer[], message: RegExp) => {
    await expect(unpack(layers)).rejects.toThrow(message);
  };
  const raw = (...members: Parameters<typeof member>[0][]) =>
    store.put(Buffer.concat([...members.map(member), Buffer.alloc(1024)]));

  it('a layer with other bytes, and forgets them', async () => {
    const good = await layer([['models/m', 'right']]);
    const { digest } = good.descriptor;
    const bytes = store.blobs.get(digest) as Buffer;
    store.blobs.set(digest, Buffer.from(bytes.toString('latin1').replace('right', 'wrong'), 'latin1'));
    await refuses([good], /its bytes have digest/);
    expect(await readdir(work)).toEqual([]);
    store.blobs.set(digest, bytes);
    expect(String((await unpack([good])).m)).toBe('right');
  });

  it('a layer whose files are not those of its annotation', async () => {
    const tar = await tarOf([['models/m', 'right']]);
    expect(Object.keys(await unpack([store.put(tar, 'tar', listed({ m: 'right' }))]))).toEqual(['m']);
    await refuses([store.put(tar, 'tar', listed({ m: 'wrong' }))], /models\/m: it has 5 bytes and SHA-256/);
    await refuses([store.put(tar, 'tar', listed({ n: 'right' }))], /models\/m: .*does not list it/);
    await refuses([store.put(tar, 'tar', listed({ m: 'right', n: '' }))], /models\/n: .*the layer lacks it/);
  });

  it('devices, pipes and links to nothing among the files', async () => {
    await refuses([raw(directory('models/'), { name: 'models/disk', type: '4' })], /disk is a block device/);
    await refuses([raw(directory('models/'), { name: 'models/p', type: '6' })], /p is a fifo/);
    await refuses([await layer([['models/m', { link: '/etc/passwd' }]])], /m is a link to a file that/);
    await refuses([await layer([['models/m', { hard: '../../etc/passwd' }]])], /m is a /);
  });

  it('names that clash or cannot be written, and a file for a folder', async () => {
    await refuses(
      [
        await layer([
          ['models/A', '1'],
          ['models/a', '2'],
        ]),
      ],
      /A and a/,
    );
    await refuses([await layer([['models/a\\b', '1']])], /backslash/);
    await refuses([await layer([['models/\u202egnp', '1']])], /direction mark/);
  });

  it('a sparse member, and a tar that ends early', async () => {
    await refuses([raw({ name: 'models/s', type: 'S' })], /sparse/);
    const whole = await tarOf([['models/m', big]]);
    await refuses([store.put(whole.subarray(0, 5000))], /ends in the middle/);
  });
});

it('keeps names that leave the folder inside it', async () => {
  const files = await unpack([
    await layer([
      ['models/../../../models/up', '1'],
      ['/models/root', '2'],
      ['./models/dot', '3'],
    ]),
  ]);
  expect(Object.keys(files)).toEqual(['dot', 'root', 'up']);
  for (const name of await readdir(work)) expect(name).toMatch(/^[0-9a-f]{64}$/);
});
