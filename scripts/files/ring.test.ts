import { expect, it } from 'vitest';
import { chunkLifetime } from '../image/types.ts';
import { bufferRing } from './ring.ts';

it('gives a buffer again only after `chunkLifetime` others', () => {
  const next = bufferRing(8);
  const all = Array.from({ length: chunkLifetime + 1 }, () => next());
  expect(new Set(all).size).toBe(chunkLifetime + 1);
  expect(Array.from(all, () => next())).toEqual(all);
  expect(next()).toBe(all[0]);
});
