import { describe, expect, it } from 'vitest';
import { chunkLifetime } from '../image/types.ts';
import { BufferPool, bufferRing } from './buffers.ts';

describe('BufferPool', () => {
  it('returns buffers of the requested length', () => {
    const pool = new BufferPool(64);
    expect([0, 1, 64].map((length) => pool.get(length).length)).toEqual([0, 1, 64]);
    expect(() => pool.get(65)).toThrow(RangeError);
  });

  it('reuses a returned buffer, at full length', () => {
    const pool = new BufferPool(64);
    const first = pool.get(3);
    pool.put(first);
    const second = pool.get(64);
    expect(second.buffer).toBe(first.buffer);
    expect(second).toHaveLength(64);
    expect(second.byteOffset).toBe(0);
  });

  it('never hands out a buffer twice', () => {
    const pool = new BufferPool(64);
    const some = Array.from({ length: 20 }, () => pool.get(64));
    for (const one of some.slice(0, 10)) pool.put(one);
    const all = [...some.slice(10), ...Array.from({ length: 20 }, () => pool.get(64))];
    expect(new Set(all.map(({ buffer }) => buffer)).size).toBe(30);
    expect(new Set([...some, ...all].map(({ buffer }) => buffer)).size).toBe(30);
  });

  it('does not reuse buffers that it did not create', () => {
    const pool = new BufferPool(64);
    const foreign = Buffer.alloc(10);
    pool.put(foreign);
    pool.put(new Uint8Array(63));
    pool.put(undefined);
    expect(pool.get(64).buffer.byteLength).toBe(64);
    expect(pool.get(64).buffer).not.toBe(foreign.buffer);
  });
});

it('reuses a buffer only after `chunkLifetime` others', () => {
  const next = bufferRing(8);
  const all = Array.from({ length: chunkLifetime + 1 }, () => next());
  expect(new Set(all).size).toBe(chunkLifetime + 1);
  expect(Array.from(all, () => next())).toEqual(all);
  expect(next()).toBe(all[0]);
});
