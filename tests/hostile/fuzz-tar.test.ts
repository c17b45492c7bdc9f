/** Defective tars and compressed streams: those that verify reads, those that smoke unpacks, archives of layouts. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mediaTypes } from '../../scripts/image/types.ts';
import { removeTree, unpackLayers } from '../../scripts/kserve/local/unpack.ts';
import { ArchiveReader } from '../../scripts/layout/archive-reader.ts';
import { Decompressor } from '../../scripts/verify/decompress.ts';
import { BrokenTar } from '../../scripts/verify/header.ts';
import { TarParser } from '../../scripts/verify/tar.ts';
import { verifyImage } from '../../scripts/verify/verify.ts';
import { files, hex, makeImage, tarOf, trueDraft } from '../support/draft-image.ts';
import { sha256 } from '../support/fake-registry.ts';
import { fuzz } from '../support/fuzz.ts';
import { bytesOf } from '../support/hostile-values.ts';
import { directory, member, pax, type Spec, sign } from '../support/odd-tars.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-fuzztar-'));
});
afterAll(() => removeTree(folder));

/** Names, types and targets with a meaning for an extractor. */
const words = fc.constantFrom(
  ...[
    'a',
    'a/b',
    'a/',
    './a',
    '/a',
    '..',
    '../a',
    'a/../../b',
    'models',
    'models/',
    'models/m',
    './models/m',
    '',
    '.',
    '/',
    '//',
  ],
  ...[
    '.wh.a',
    'a/.wh..wh..opq',
    '.wh.',
    '.wh..',
    '.wh...',
    'a/.wh.b',
    'l',
    'l/x',
    'n'.repeat(99),
    'é',
    '\u202e',
    'a\\b',
    'a b',
  ],
);
const spec: fc.Arbitrary<Spec> = fc.record({
  name: words,
  type: fc.constantFrom(...'00000155522234567LKxgSVDM\0'.split('')),
  link: words,
  mode: fc.constantFrom(0, 0o444, 0o755, 0o4755, 0o7777),
  uid: fc.constantFrom(0, 1001, 2_097_151),
  content: fc.constantFrom('', 'x', 'x'.repeat(513), '10 path=b\n', '11 size=99\n', 'long/name\0', '\0'),
  before: fc.constantFrom(
    Buffer.alloc(0),
    Buffer.alloc(0),
    pax('path', 'models/p'),
    pax('path', '../../../p'),
    pax('size', '1'),
    pax('linkpath', '/etc/passwd'),
    pax('uid', '99999999999999'),
    pax('mtime', 'NaN'),
    member({ name: '././@LongLink', type: 'L', content: `${'d/'.repeat(80)}f\0` }),
    member({ name: '././@LongLink', type: 'K', content: `${'../'.repeat(80)}etc/passwd\0` }),
  ),
});
/** Overwrites a header field: its offset, and the new bytes, with or without a correct checksum. */
const spoil = fc.record({
  at: fc.nat({ max: 511 }),
  bytes: fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }),
    fc
      .constantFrom(
        '80000000ffffffffffffffff',
        'ffffffffffffffffffffffff',
        '373737373737373737373700',
        '2d3100',
        '000000000000',
      )
      .map((text) => Uint8Array.from(Buffer.from(text, 'hex'))),
  ),
  signed: fc.boolean(),
});
const spoiled = fc.option(spoil, { freq: 3, nil: undefined });
const tars = fc.array(fc.tuple(spec, spoiled), { maxLength: 8 }).map((specs) =>
  Buffer.concat([
    ...specs.map(([one, wrong]) => {
      const bytes = member(one);
      if (wrong === undefined) return bytes;
      const start = one.before?.length ?? 0;
      const block = bytes.subarray(start, start + 512);
      block.set(wrong.bytes.subarray(0, 512 - wrong.at), wrong.at);
      if (wrong.signed) sign(block);
      return bytes;
    }),
    Buffer.alloc(1024),
  ]),
);
/** Well-formed tars of malformed members. */
const wellFormed = fc
  .array(spec, { minLength: 1, maxLength: 5 })
  .map((specs) =>
    Buffer.concat([...specs.filter(({ type }) => /[0-6]/.test(type ?? '')).map(member), Buffer.alloc(1024)]),
  );
const model = tarOf(trueDraft().model[1] ?? { members: [], compression: 'none' });
const anyTar = fc.oneof({ weight: 3, arbitrary: tars }, { weight: 1, arbitrary: bytesOf(model) });

it('verify parses a fuzzed tar or refuses it', async () => {
  const read = ([bytes, size]: [Buffer, number]) => {
    const reader = new TarParser({ members: 1000, names: 100_000 });
    for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
    reader.end();
    for (const { path, size: length } of reader.members) {
      expect(path.split('/')).not.toContain('..');
      expect(Number.isSafeInteger(length)).toBe(true);
    }
  };
  const { accepted, refused } = await fuzz(fc.tuple(anyTar, fc.constantFrom(1, 100, 512, 100_000)), read, {
    runs: 3000,
    failure: (error) => error instanceof BrokenTar && error.message.length < 500,
  });
  expect(Math.min(accepted, refused)).toBeGreaterThan(100);
});

it('verify refuses an image with a fuzzed layer', async () => {
  await fuzz(
    anyTar,
    async (bytes) => {
      const draft = trueDraft();
      draft.base.unshift({ members: [], compression: 'none' });
      const digest = `sha256:${hex(bytes)}` as const;
      draft.editManifest = ({ layers }) => Object.assign(layers[0] ?? {}, { digest, size: bytes.length });
      draft.editConfig = ({ rootfs }) => void rootfs.diff_ids.splice(0, 1, digest);
      const store = makeImage(draft);
      store.blobs.set(digest, bytes);
      await verifyImage(store, 'iris:v1', { files });
    },
    { runs: 400 },
  );
});

it.each(['gzip', 'zstd'] as const)('a fuzzed %s stream is decompressed or refused', async (format) => {
  const whole = format === 'gzip' ? gzipSync(model) : zstdCompressSync(model);
  let wrong = 0;
  await fuzz(
    fc.tuple(bytesOf(whole), fc.constantFrom(1, 100, 100_000)),
    async ([bytes, size]) => {
      let out = 0;
      const decompressor = new Decompressor(format, (chunk) => (out += chunk.length), 1_000_000);
      for (let at = 0; at < bytes.length; at += size) await decompressor.write(bytes.subarray(at, at + size));
      await decompressor.end();
      decompressor.destroy();
      expect(out).toBeLessThanOrEqual(1_000_000);
      if (decompressor.error !== undefined) wrong++;
    },
    { runs: 500 },
  );
  expect(wrong).toBeGreaterThan(50);
});

it('fuzzed layers are unpacked within their folder or refused', async () => {
  const parent = join(folder, 'unpack');
  const refusals = await fuzz(
    fc.tuple(wellFormed, fc.oneof(wellFormed, anyTar), fc.boolean()),
    async ([first, second, chown]) => {
      const root = join(parent, 'deep', 'root');
      await mkdir(root, { recursive: true });
      try {
        const layers = [first, second].map((bytes) => ({
          mediaType: mediaTypes.layer,
          digest: sha256(bytes),
          size: bytes.length,
        }));
        const store = {
          async *open({ digest }: { digest: string }) {
            yield digest === layers[0]?.digest ? first : second;
          },
        };
        const reader = { uid: 64_000, gid: 0, chown: chown && process.getuid?.() === 0 };
        await unpackLayers(store, layers, root, reader, new AbortController().signal);
      } finally {
        expect(await readdir(parent)).toEqual(['deep']);
        expect(await readdir(join(parent, 'deep'))).toEqual(['root']);
        await removeTree(parent);
      }
    },
    { runs: 600 },
  );
  expect(Math.min(refusals.accepted, refusals.refused)).toBeGreaterThan(20);
});

it('a fuzzed archive of a layout is read or refused', async () => {
  const config = { mediaType: mediaTypes.config, digest: sha256(Buffer.from('{}')), size: 2 };
  const blob = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [] }));
  const entry = { mediaType: mediaTypes.manifest, digest: sha256(blob), size: blob.length };
  const index = {
    schemaVersion: 2,
    manifests: [{ ...entry, annotations: { 'org.opencontainers.image.ref.name': 'a:v1' } }],
  };
  const archive = Buffer.concat([
    member(directory('blobs/')),
    member({ name: `blobs/sha256/${hex(blob)}`, content: blob }),
    member({ name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' }),
    member({ name: 'index.json', content: JSON.stringify(index) }),
    Buffer.alloc(1024),
  ]);
  // Its index with a wrong size in the header: larger than the file, or negative.
  const headers = [...archive.keys()].filter(
    (at) => at % 512 === 0 && archive.toString('latin1', at + 257, at + 262) === 'ustar',
  );
  const resized = fc.tuple(fc.constantFrom(...headers), spoil).map(([at, { at: place, bytes: put }]) => {
    const bytes = Buffer.from(archive);
    bytes.set(put.subarray(0, 512 - (place % 500)), at + (place % 2 === 0 ? 124 : place % 500));
    sign(bytes.subarray(at, at + 512));
    return bytes;
  });
  const file = join(folder, 'layout.tar');
  const { accepted, refused } = await fuzz(
    fc.oneof(bytesOf(archive), resized),
    async (bytes) => {
      await writeFile(file, bytes);
      await using reader = await ArchiveReader.open(file);
      for (const name of ['a:v1', entry.digest]) {
        const found = await reader.resolve(name);
        if (found !== undefined) await reader.read(found);
      }
    },
    { runs: 1500 },
  );
  await rm(file);
  expect(Math.min(accepted, refused)).toBeGreaterThan(50);
});
