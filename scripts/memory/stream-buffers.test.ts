import { describe, expect, it } from 'vitest';
import { BufferPool, streamBufferSize } from './stream-buffers.ts';

const large = streamBufferSize / 2;

describe('BufferPool', () => {
  it('returns chunks of the requested length', () => {
    const pool = new BufferPool();
    const lengths = [0, 1, large, streamBufferSize];
    expect(lengths.map((length) => pool.take(length).length)).toEqual(lengths);
    expect(() => pool.take(streamBufferSize + 1)).toThrow(RangeError);
  });

  it('lends recycled memory again, at full length, also when a part of the chunk was recycled', () => {
    const pool = new BufferPool();
    const first = pool.take(large);
    pool.recycle(first.subarray(5, 9));
    const second = pool.take(streamBufferSize);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(streamBufferSize);
    expect(second.byteOffset).toBe(0);
  });

  it('lends no memory twice, also when a chunk is recycled twice', () => {
    const pool = new BufferPool();
    const some = Array.from({ length: 20 }, () => pool.take(large));
    for (const one of [...some.slice(0, 10), ...some.slice(0, 10)]) pool.recycle(one);
    const all = [...some.slice(10), ...Array.from({ length: 20 }, () => pool.take(large))];
    expect(new Set(all.map(({ buffer }) => buffer)).size).toBe(30);
    expect(new Set([...some, ...all].map(({ buffer }) => buffer)).size).toBe(30);
  });

  it('never lends memory that is not its own', () => {
    const pool = new BufferPool();
    const foreign = Buffer.allocUnsafeSlow(streamBufferSize);
    pool.recycle(foreign);
    expect(pool.take(large).buffer).not.toBe(foreign.buffer);
  });

  it('keeps no whole buffer busy for a small chunk, of which there may be thousands in flight', () => {
    const chunk = new BufferPool().take(20_000);
    expect(chunk.buffer.byteLength).toBeLessThan(streamBufferSize / 8);
  });

  it('overwrites recycled memory when tests ask for it, and only its own', () => {
    const pool = new BufferPool();
    pool.markRecycled(0xdb);
    const own = pool.take(large).fill(1);
    const foreign = Buffer.allocUnsafeSlow(large).fill(1);
    pool.recycle(own);
    pool.recycle(foreign);
    expect([own[0], own.at(-1), foreign[0]]).toEqual([0xdb, 0xdb, 1]);
  });
});
