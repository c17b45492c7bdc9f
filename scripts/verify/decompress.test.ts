import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Decompressor } from './decompress.ts';

const pack = { gzip: gzipSync, zstd: zstdCompressSync };
const text = Buffer.from('weights '.repeat(100_000));

async function run(format: 'gzip' | 'zstd', bytes: Uint8Array, chunkSize = bytes.length) {
  const chunks: Uint8Array[] = [];
  const decompressor = new Decompressor(format, (chunk) => chunks.push(chunk));
  for (let at = 0; at < bytes.length; at += chunkSize)
    await decompressor.write(bytes.subarray(at, at + chunkSize));
  await decompressor.end();
  decompressor.destroy();
  return { text: Buffer.concat(chunks), error: decompressor.error };
}

describe.each(['gzip', 'zstd'] as const)('%s', (format) => {
  const one = pack[format](text);
  const both = Buffer.concat([one, one]);

  test.each([1, 7, 1000, 1_000_000])('in chunks of %d bytes, also two concatenated streams', async (size) => {
    expect(await run(format, one, size)).toEqual({ text, error: undefined });
    expect(await run(format, both, size)).toEqual({ text: Buffer.concat([text, text]), error: undefined });
  });

  test.each([
    ['trailing garbage', Buffer.concat([one, Buffer.from('garbage')])],
    ['trailing zeros', Buffer.concat([one, Buffer.alloc(100)])],
    ['a truncated end', one.subarray(0, -3)],
    ['a truncated second stream', both.subarray(0, -3)],
    ['no content', Buffer.alloc(0)],
    ['a changed byte', Buffer.from(one).fill(0xff, 30, 34)],
  ])('with %s is an error, in chunks of any size', async (_, bytes) => {
    for (const size of [1, one.length, 1_000_000])
      expect((await run(format, bytes, size)).error).toBeTruthy();
  });
});
