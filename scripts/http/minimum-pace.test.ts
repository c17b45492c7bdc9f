import { expect, test } from 'vitest';
import { Pace, TooSlow } from './minimum-pace.ts';

/** Counts chunks of `bytes` each, one every `every` milliseconds; returns the time. */
const run = (chunks: number, bytes: number, every: number) => {
  let now = 0;
  const pace = new Pace(() => now);
  for (let chunk = 0; chunk < chunks; chunk++) {
    now += every;
    pace.count(bytes);
  }
  return now;
};

test('one byte per second fails soon after 20 s', () => {
  expect(() => run(20, 1, 1000)).not.toThrow();
  expect(() => run(22, 1, 1000)).toThrow(TooSlow);
  expect(() => run(22, 1, 1000)).toThrow('21 bytes in 22 s');
});

test('a first chunk after a long silence passes, a second one does not', () => {
  expect(() => run(1, 100, 59_000)).not.toThrow();
  expect(() => run(2, 1, 59_000)).toThrow(TooSlow);
});

test('4 KiB per second pass for any duration', () => {
  expect(() => run(1000, 4096, 1000)).not.toThrow();
  expect(() => run(1000, 4000, 1000)).toThrow(TooSlow);
});
