import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { inflate } from './inflate.ts';

/** Copies of `bytes` in pieces of `size`. */
async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += Buffer.from(chunk).toString();
  return text;
}

const compress = { gzip: gzipSync, zstd: zstdCompressSync };

describe.each(['gzip', 'zstd'] as const)('inflate of %s', (format) => {
  const streams = ['first ', '', 'second ', 'x'.repeat(100_000), ' last'];
  const bytes = Buffer.concat(streams.map((text) => compress[format](text)));

  it.each([1, 7, 64, 100_000])(
    'reads all streams of a blob that arrives in pieces of %d bytes',
    async (size) => {
      expect(await textOf(inflate(inPieces(bytes, size), format, 1e6))).toBe(streams.join(''));
    },
  );

  it('fails when a stream ends early, or other bytes follow', async () => {
    await expect(textOf(inflate(inPieces(bytes.subarray(0, -3), 9), format, 1e6))).rejects.toThrow();
    const tail = Buffer.concat([bytes, Buffer.from('other bytes')]);
    await expect(textOf(inflate(inPieces(tail, 9), format, 1e6))).rejects.toThrow();
  });

  it('stops a bomb at the limit', async () => {
    const bomb = compress[format](Buffer.alloc(5e6));
    let got = 0;
    const read = async () => {
      for await (const chunk of inflate(inPieces(bomb, 4096), format, 1e6)) got += chunk.length;
    };
    await expect(read()).rejects.toThrow('far more bytes');
    expect(got).toBeLessThanOrEqual(1e6);
  });

  it('passes on the failure of its source, and ends it when its reader stops', async () => {
    async function* broken() {
      yield bytes.subarray(0, 10);
      throw new Error('the network is down');
    }
    await expect(textOf(inflate(broken(), format, 1e6))).rejects.toThrow('the network is down');
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield bytes;
      } finally {
        ended = true;
      }
    }
    for await (const chunk of inflate(endless(), format, 1e9)) if (chunk.length > 0) break;
    expect(ended).toBe(true);
  });
});
