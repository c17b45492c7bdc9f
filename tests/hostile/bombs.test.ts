/** Layers that are small in storage and huge when read: refused early, with a plain message, in constant memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { ModelcarsError } from '../../scripts/errors.ts';
import type { Descriptor, ImageStore } from '../../scripts/image/types.ts';
import { verifyImage } from '../../scripts/verify/verify.ts';
import { files, hex, makeImage, trueDraft } from '../support/draft-image.ts';
import { member, pax, type Spec } from '../support/odd-tars.ts';

const mib = 1024 ** 2;
/** Bytes by which a process can grow while it reads a bomb: the cost of 200,000 members, and garbage. */
const mostMemory = 500 * mib;
/** Time limit for any bomb in milliseconds, on a machine that runs eight jobs at once. */
const longest = 90_000;
const end = Buffer.alloc(1024);

/** The unit tests' image with other bytes for the blob of its first base layer, of a compressed media type. */
function imageWith(blob: Uint8Array, compression: 'none' | 'gzip' | 'zstd', copies = 1): ImageStore {
  const draft = trueDraft();
  draft.base = [...Array.from({ length: copies }, () => ({ members: [], compression })), ...trueDraft().base];
  const digest = `sha256:${hex(blob)}` as const;
  draft.editManifest = (manifest) => {
    for (const layer of manifest.layers.slice(0, copies))
      Object.assign(layer, { digest, size: blob.length } satisfies Partial<Descriptor>);
  };
  const store = makeImage(draft);
  store.blobs.set(digest, Buffer.from(blob));
  store.chunkSize = mib;
  return store;
}

/** verify's message for an image, and the peak growth of the process in bytes. */
async function judge(store: ImageStore): Promise<{ message: string; memory: number }> {
  const before = process.memoryUsage.rss();
  let peak = before;
  let done = false;
  const watching = (async () => {
    while (!done) {
      peak = Math.max(peak, process.memoryUsage.rss());
      await sleep(20);
    }
  })();
  try {
    await verifyImage(store, 'iris:v1', { files });
    return { message: 'the image is right', memory: peak - before };
  } catch (error) {
    if (!(error instanceof ModelcarsError)) throw error;
    expect(error.code).toBe('integrity');
    expect(error.next).toBeTruthy();
    expect(error.message.length).toBeLessThan(1000);
    return { message: error.message, memory: peak - before };
  } finally {
    done = true;
    await watching;
  }
}

/** `piece` repeated `times` times. */
function repeated(piece: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => piece));
}

/** A zstd frame (RFC 8878) of blocks that each encode 131,071 zeros in four bytes. */
function zstdBomb(blocks: number): Buffer {
  const block = (last: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUIntLE(last | (1 << 1) | (131_071 << 3), 0, 3);
    return bytes;
  };
  const header = Buffer.from('28b52ffd0058', 'hex');
  return Buffer.concat([header, repeated(block(0), blocks), block(1)]);
}

const header = (spec: Spec): Buffer => member(spec).subarray(0, 512);
/** GNU's base-256 (GNU tar manual, "Extensions"). */
const huge = (size: bigint) => (block: Buffer) => {
  block.fill(0, 124, 136);
  block[124] = 0x80;
  block.writeBigUInt64BE(size, 128);
};

afterEach(() => {
  global.gc?.();
});

test.each<[string, 'none' | 'gzip' | 'zstd', () => Uint8Array, RegExp]>([
  ['2 GiB of zeros in gzip', 'gzip', () => repeated(gzipSync(Buffer.alloc(16 * mib)), 128), /far more bytes/],
  ['26 GB of zeros in 800 KB of zstd', 'zstd', () => zstdBomb(200_000), /far more bytes/],
  [
    'a member behind 2 GB of zeros',
    'zstd',
    () => Buffer.concat([zstdCompressSync(member({ name: 'a' })), zstdBomb(16_000)]),
    /far more bytes/,
  ],
  [
    '300,000 empty gzip streams',
    'gzip',
    () => repeated(gzipSync(Buffer.alloc(0)), 300_000),
    /uncompressed it has the digest/,
  ],
  [
    'a member of an exabyte',
    'none',
    () => Buffer.concat([header({ name: 'a', edit: huge(1n << 60n) }), end]),
    /size beyond 2\^53/,
  ],
  [
    'a member of four petabytes',
    'none',
    () => Buffer.concat([header({ name: 'a', edit: huge(1n << 52n) }), end]),
    /ends in the middle of a member/,
  ],
  [
    'a PAX size of an exabyte',
    'none',
    () => Buffer.concat([member({ name: 'a', before: pax('size', `${2n ** 60n}`) }), end]),
    /size that is none/,
  ],
  [
    'a PAX header of four gigabytes',
    'gzip',
    () =>
      gzipSync(
        Buffer.concat([header({ name: 'p', type: 'x', edit: huge(1n << 32n) }), Buffer.alloc(200 * mib)]),
      ),
    /a name or PAX header has 4294967296 bytes/,
  ],
  [
    'a long name of four gigabytes',
    'none',
    () => Buffer.concat([header({ name: 'l', type: 'L', edit: huge(1n << 32n) }), end]),
    /a name or PAX header has 4294967296 bytes/,
  ],
  [
    'a long name of a megabyte',
    'none',
    () =>
      Buffer.concat([
        member({ name: 'a', before: member({ name: 'l', type: 'L', content: `${'n'.repeat(mib - 1)}\0` }) }),
        end,
      ]),
    /a name has over 4096 bytes/,
  ],
  [
    '200,000 long names before no member',
    'gzip',
    () => repeated(gzipSync(repeated(member({ name: 'l', type: 'L', content: 'name\0' }), 1000)), 200),
    /ends in the middle of a member/,
  ],
  [
    'a PAX header of 200,000 records',
    'none',
    () => {
      const content = Array.from(
        { length: 100_000 },
        (_, at) => `10 k${String.fromCharCode(97 + (at % 26))}=${at % 10}22\n`,
      );
      return Buffer.concat([
        member({ name: 'a', before: member({ name: 'p', type: 'x', content: content.join('') }) }),
        end,
      ]);
    },
    /diff_id|has the digest/,
  ],
  ['a sparse member', 'none', () => Buffer.concat([header({ name: 'a', type: 'S' }), end]), /is sparse/],
  [
    '400,000 empty members',
    'gzip',
    () => repeated(gzipSync(repeated(member({ name: 'a' }), 10_000)), 40),
    /too many tar members to check/,
  ],
  [
    'names of 40 MB',
    'gzip',
    () => repeated(gzipSync(repeated(member({ name: `${'n'.repeat(4000)}` }), 100)), 100),
    /names in the image are too long to check/,
  ],
])('%s', { timeout: longest }, async (_, compression, blob, message) => {
  const store = imageWith(blob(), compression);
  const said = await judge(store);
  expect(said.message).toMatch(message);
  expect(said.memory).toBeLessThan(mostMemory);
});

test('a layer listed a hundred times is verified once', { timeout: longest }, async () => {
  const names = Array.from({ length: 3000 }, (_, at) => member({ name: `d/${at}` }));
  const store = imageWith(Buffer.concat([...names, end]), 'none', 100);
  const said = await judge(store);
  expect(said.message).toMatch(/its layers have too many tar members to check/);
  expect(said.memory).toBeLessThan(mostMemory);
});

test('links through links are followed up to a limit', { timeout: longest }, async () => {
  const winding = 'd/../'.repeat(800);
  const links = Array.from({ length: 39 }, (_, at) =>
    member({
      name: `l${at}`,
      type: '2',
      before: member({ name: '././@LongLink', type: 'K', content: `${winding}l${at + 1}\0` }),
    }),
  );
  const through = Array.from({ length: 3000 }, (_, at) => member({ name: `l0/${at}` }));
  const tar = Buffer.concat([
    member({ name: 'd', type: '5' }),
    member({ name: 'l39', type: '5' }),
    ...links,
    ...through,
    end,
  ]);
  const draft = trueDraft();
  draft.base.unshift({ members: [], compression: 'none' });
  const digest = `sha256:${hex(tar)}` as const;
  draft.editManifest = (manifest) => Object.assign(manifest.layers[0] ?? {}, { digest, size: tar.length });
  draft.editConfig = (config) => void config.rootfs.diff_ids.splice(0, 1, digest);
  const store = makeImage(draft);
  store.blobs.set(digest, tar);
  const said = await judge(store);
  expect(said.message).toMatch(/too many links to follow/);
});
