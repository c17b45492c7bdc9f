import { describe, expect, test } from 'vitest';
import { recycle, streamBuffers } from '../memory/stream-buffers.ts';
import { inParts } from './parts.ts';

const mebibyte = 1024 ** 2;
const never = new AbortController().signal;

/** Bytes that depend on their position, in chunks of these sizes. */
async function* chunksOf(sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    const chunk = streamBuffers.take(size);
    for (let index = 0; index < size; index++) chunk[index] = (at + index) % 251;
    at += size;
    yield chunk;
  }
}

async function collect(sizes: readonly number[], partSize: number) {
  const size = sizes.reduce((sum, one) => sum + one, 0);
  let read = 0;
  const parts: { number: number; bytes: Buffer }[] = [];
  const cut = inParts(
    () => chunksOf(sizes),
    size,
    partSize,
    never,
    (count) => {
      read += count;
    },
  );
  for await (const part of cut)
    await part.use(async (bytes) => void parts.push({ number: part.number, bytes: Buffer.from(bytes) }));
  expect(read).toBe(size);
  return parts;
}

describe('inParts', () => {
  test.each([
    ['chunks across the borders of parts', [700_000, 700_000, 700_000, 5], mebibyte],
    ['several parts in a chunk', [mebibyte, 3], 300_000],
    ['parts that are whole chunks', [mebibyte, mebibyte], mebibyte],
    ['a file of one part', [100], mebibyte],
  ])('%s: numbered from 1, all of one size but the last, every byte once', async (_, sizes, partSize) => {
    const parts = await collect(sizes, partSize);
    const bytes = Buffer.concat(parts.map((part) => part.bytes));
    expect(parts.map(({ number }) => number)).toEqual(parts.map((_, at) => at + 1));
    expect(parts.slice(0, -1).every((part) => part.bytes.length === partSize)).toBe(true);
    expect(bytes).toHaveLength(sizes.reduce((sum, one) => sum + one, 0));
    expect(bytes.every((byte, at) => byte === at % 251)).toBe(true);
  });

  test('an empty file is one empty part', async () => {
    expect(await collect([], mebibyte)).toEqual([{ number: 1, bytes: Buffer.alloc(0) }]);
  });

  test('the memory of a failed part is not lent again, since a socket may still send it', async () => {
    const cut = inParts(
      () => chunksOf([mebibyte]),
      mebibyte,
      mebibyte,
      never,
      () => {},
    );
    const failing = (await cut.next()).value;
    let memory: unknown;
    const send = async ({ buffer }: Uint8Array) => {
      memory = buffer;
      throw new Error('refused');
    };
    await expect(failing?.use(send)).rejects.toThrow('refused');
    await cut.return(undefined);
    const next = Array.from({ length: 50 }, () => streamBuffers.take(mebibyte));
    expect(next.some(({ buffer }) => buffer === memory)).toBe(false);
    for (const one of next) recycle(one);
  });
});
