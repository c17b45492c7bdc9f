import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, formatRate, Rate } from './bytes.ts';

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [9949, '9.9 kB'],
  [9960, '10 kB'],
  [999_499, '999 kB'],
  [999_500, '1.0 MB'],
  [10_485_760_000, '10 GB'],
  [2.5e15, '2.5 PB'],
  [-1500, '-1.5 kB'],
])('formatBytes(%d) is %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

it.each([
  [0.04, '0.0 s'],
  [9.94, '9.9 s'],
  [9.96, '10 s'],
  [59.4, '59 s'],
  [59.6, '1 m 00 s'],
  [185, '3 m 05 s'],
  [3599.7, '1 h 00 m'],
  [7600, '2 h 07 m'],
  [Number.POSITIVE_INFINITY, '?'],
])('formatDuration(%d) is %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

describe('Rate', () => {
  it('is the mean of the last seconds, not of the whole time', () => {
    const rate = new Rate(0, 10_000);
    // 100 B/s for 60 s, then 10 B/s for 20 s.
    for (let second = 1; second <= 60; second++) rate.add(second * 1000, second * 100);
    for (let second = 61; second <= 80; second++) rate.add(second * 1000, 6000 + (second - 60) * 10);
    expect(rate.perSecond(80_000)).toBeCloseTo(10, 0);
  });

  it('falls while no bytes arrive', () => {
    const rate = new Rate(0);
    rate.add(1000, 1000);
    expect(rate.perSecond(1000)).toBe(1000);
    expect(rate.perSecond(5000)).toBe(200);
  });

  it('is never negative', () => {
    const rate = new Rate(0);
    rate.add(1000, 1000);
    rate.add(2000, 0);
    expect(rate.perSecond(2000)).toBe(0);
    expect(formatRate(-5)).toBe('0 B/s');
  });
});
