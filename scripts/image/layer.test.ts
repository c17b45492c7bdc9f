import { createHash } from 'node:crypto';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelcarsError } from '../errors.ts';
import { type LayerOptions, layerOf } from './layer.ts';
import { type ImageFile, planLayers } from './plan.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const plain: LayerOptions = { mtime: 0, compression: 'none' };

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** An in-memory model whose files come in chunks of `chunk` bytes, with a hook to corrupt them. */
function model(
  contents: Record<string, string>,
  chunk = 7,
  options = plain,
  spoil = (_path: string, bytes: Buffer) => bytes,
) {
  const files = Object.entries(contents).map(
    ([path, text]): ImageFile => ({ path, size: Buffer.byteLength(text), sha256: sha256(Buffer.from(text)) }),
  );
  const [plan] = planLayers(files);
  if (plan === undefined) throw new Error('no layer');
  const opened: string[] = [];
  const layer = layerOf(
    plan,
    async function* (file, offset) {
      opened.push(`${file.path}@${offset}`);
      const bytes = spoil(file.path, Buffer.from(contents[file.path] ?? '')).subarray(offset);
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
    },
    options,
  );
  return { layer, opened };
}

const contents = { 'a.json': '{"a":1}', 'b/model.bin': 'x'.repeat(1500), empty: '' };

describe('layerOf', () => {
  it('has the announced size, and its digest as diff_id when uncompressed', async () => {
    const { layer } = model(contents);
    const bytes = await collect(layer.open());
    expect(bytes.length).toBe(layer.size);
    const stored = `sha256:${sha256(bytes)}` as const;
    expect(layer.diffId(stored)).toBe(stored);
  });

  it('does not hash files when its digest is known, but still counts their bytes', async () => {
    const right = await collect(model(contents).layer.open());
    const made = { digest: `sha256:${sha256(right)}` as const, size: right.length };
    const wrong = model(contents, 100, plain, (_path, bytes) => Buffer.from(bytes.map((byte) => byte ^ 1)));
    const promised = wrong.layer.promised(made);
    expect(promised).toMatchObject(made);
    expect((await collect(promised.open())).length).toBe(right.length);
    const short = model(contents, 100, plain, (_path, bytes) => bytes.subarray(0, 1400));
    await expect(collect(short.layer.promised(made).open())).rejects.toThrow(/ended after 1400 of 1500/);
  });

  it('gives the same bytes from any offset, after any interruption', async () => {
    const whole = await collect(model(contents).layer.open());
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 900 }),
        fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 4 }),
        async (chunk, breaks) => {
          const { layer } = model(contents, chunk);
          let have = Buffer.alloc(0);
          for (const [keep, back] of breaks) {
            const offset = have.length === 0 ? 0 : have.length - (back % have.length); // a registry may keep less
            const pieces: Uint8Array[] = [have.subarray(0, offset)];
            let left = keep % whole.length;
            for await (const piece of layer.open(offset)) {
              if (left <= 0) break;
              pieces.push(piece);
              left -= piece.length;
            }
            have = Buffer.concat(pieces);
          }
          have = Buffer.concat([have, await collect(layer.open(have.length))]);
          expect(have.equals(whole)).toBe(true);
        },
      ),
    );
  });

  it('does not open files before an offset that was read already', async () => {
    const { layer, opened } = model(contents);
    const whole = await collect(layer.open());
    opened.length = 0;
    const offset = whole.indexOf('xxx') + 1000;
    await collect(layer.open(offset));
    expect(opened).toEqual(['b/model.bin@1000']);
  });

  it('verifies files even when the reader skips them', async () => {
    const { layer } = model(contents, 7, plain, (path, bytes) =>
      path === 'a.json' ? Buffer.from('{"a":2}') : bytes,
    );
    await expect(collect(layer.open(2048))).rejects.toThrow(/read a\.json: it has sha256/);
  });

  it.each([
    [
      'wrong',
      (bytes: Buffer) => Buffer.from(bytes.map((byte, index) => (index === 1499 ? byte ^ 1 : byte))),
      /has sha256 [0-9a-f]{64}, the lock has/,
    ],
    ['too few', (bytes: Buffer) => bytes.subarray(0, 1400), /ended after 1400 of 1500 bytes/],
    [
      'too many',
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('!')]),
      /has more than the 1500 bytes locked/,
    ],
  ])('stops before the last chunk of a file with %s bytes', async (_what, spoil, message) => {
    const { layer } = model(contents, 100, plain, (path, bytes) =>
      path === 'b/model.bin' ? spoil(bytes) : bytes,
    );
    let got = 0;
    const read = async () => {
      for await (const chunk of layer.open()) got += chunk.length;
    };
    await expect(read()).rejects.toThrow(message);
    await expect(read()).rejects.toMatchObject({ code: 'integrity' } satisfies Partial<ModelcarsError>);
    expect(got).toBeLessThan(2 * (layer.size ?? 0));
  });

  it('has a key that changes exactly when its bytes change', () => {
    const key = (over: Record<string, string>, options: LayerOptions = plain) =>
      model(over, 7, options).layer.key;
    const same = key(contents);
    expect(key({ ...contents })).toBe(same);
    const others = [
      key({ ...contents, empty: '!' }),
      key({ 'a.json': '{"a":1}', 'b/model.bin': 'x'.repeat(1500), other: '' }),
      key(contents, { mtime: 1, compression: 'none' }),
      key(contents, { mtime: 0, compression: 'gzip' }),
    ];
    expect(new Set([same, ...others]).size).toBe(5);
  });

  it.each([
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync],
  ] as const)(
    'compresses with %s to the same bytes for any chunks, and reports the diff_id of the tar',
    async (compression, unpack) => {
      const tar = await collect(model(contents).layer.open());
      const [small, large] = [
        model(contents, 3, { mtime: 0, compression }),
        model(contents, 1200, { mtime: 0, compression }),
      ];
      const bytes = await collect(small.layer.open());
      expect(bytes.equals(await collect(large.layer.open()))).toBe(true);
      expect(unpack(bytes).equals(tar)).toBe(true);
      expect(() =>
        model(contents, 3, { mtime: 0, compression }).layer.diffId(`sha256:${sha256(bytes)}`),
      ).toThrow();
      expect(small.layer.diffId(`sha256:${sha256(bytes)}`)).toBe(`sha256:${sha256(tar)}`);
      expect((await collect(small.layer.open(11))).equals(bytes.subarray(11))).toBe(true);
    },
  );
});
