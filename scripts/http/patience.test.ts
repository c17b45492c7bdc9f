import { expect, test } from 'vitest';
import { RequestFailure } from './failure.ts';
import { duration, Patience } from './patience.ts';

const retry = { tries: 7, delay: 1000 };
const failure = (retryAfter?: number) =>
  new RequestFailure('push x: quay.io answered 429', {
    code: 'registry',
    status: 429,
    codes: ['TOOMANYREQUESTS'],
    retryable: true,
    ...(retryAfter !== undefined && { retryAfter }),
  });

test('waits as it is asked to, or doubles by itself', () => {
  const patience = new Patience(retry);
  expect(patience.delay(1, failure(12_000))).toBe(12_000);
  expect(patience.delay(2, failure(0))).toBe(0);
  const own = patience.delay(3, failure());
  expect(own).toBeGreaterThanOrEqual(3000);
  expect(own).toBeLessThanOrEqual(5000);
});

test('waits out a rate limit of five minutes, once', () => {
  const patience = new Patience(retry);
  expect(patience.delay(1, failure(301_000))).toBe(301_000);
  expect(() => patience.delay(2, failure(301_000))).toThrow('asks to wait 6 min more (Retry-After)');
});

test('does not wait for hours, and says how many', () => {
  const error = (() => {
    try {
      return new Patience(retry).delay(1, failure(7_200_000));
    } catch (reason) {
      return reason;
    }
  })();
  expect(error).toMatchObject({
    message: 'push x: quay.io answered 429, and asks to wait 2 h (Retry-After)',
    next: 'run the command again in 2 h',
    code: 'registry',
    status: 429,
    codes: ['TOOMANYREQUESTS'],
    retryable: false,
  });
});

test('adds up what the tries of one request wait', () => {
  const patience = new Patience(retry);
  for (const attempt of [1, 2, 3]) expect(patience.delay(attempt, failure(100_000))).toBe(100_000);
  expect(() => patience.delay(4, failure(100_000))).toThrow('and asks to wait 100 s more (Retry-After)');
});

test.each([
  [0, '0 s'],
  [500, '1 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [3_600_000, '60 min'],
  [7_200_000, '2 h'],
  [7_200_001, '3 h'],
  [259_200_000, '3 days'],
])('%i ms are %s', (milliseconds, words) => expect(duration(milliseconds)).toBe(words));
