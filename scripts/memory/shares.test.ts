import { expect, test } from 'vitest';
import {
  defaultMaxMemory,
  leastMaxMemory,
  parallelStreams,
  readAhead,
  shareMemory,
  sharesOf,
} from './shares.ts';

const mebibyte = 1024 ** 2;

test('by default, eight ranges of a hub are read ahead, or four parts are sent to a bucket', () => {
  expect(Math.floor(sharesOf(defaultMaxMemory, 'images').readAhead / (4 * mebibyte))).toBe(8);
  expect(Math.floor(sharesOf(defaultMaxMemory, 'bucket').parts / (8 * mebibyte))).toBe(4);
  expect(sharesOf(defaultMaxMemory, 'images').streams).toBe(4);
});

test.each(['images', 'bucket'] as const)('%s: more memory gives each share more, never less', (use) => {
  const limits = [leastMaxMemory, 160e6, defaultMaxMemory, 512e6, 2e9].map((limit) => sharesOf(limit, use));
  for (const key of ['readAhead', 'parts', 'streams'] as const) {
    const values = limits.map((shares) => shares[key]);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
  }
});

test.each(['images', 'bucket'] as const)(
  '%s: the least memory still has one range, one part, one stream',
  (use) => {
    expect(sharesOf(leastMaxMemory, use)).toEqual({
      readAhead: 4 * mebibyte,
      parts: 8 * mebibyte,
      streams: 1,
    });
  },
);

test('a limit applies to the whole process', () => {
  shareMemory(leastMaxMemory, 'images');
  expect([readAhead.size, readAhead.free, parallelStreams()]).toEqual([4 * mebibyte, 4 * mebibyte, 1]);
  shareMemory(defaultMaxMemory, 'images');
  expect(parallelStreams()).toBe(4);
});
