import { expect, test } from 'vitest';
import { Once } from './once.ts';

test('creates a value once per key, also for concurrent callers', async () => {
  const once = new Once<string, number>();
  let made = 0;
  const make = async () => ++made;
  const [a, b, c] = await Promise.all([once.get('a', make), once.get('a', make), once.get('b', make)]);
  expect([a, b, c]).toEqual([1, 1, 2]);
  expect(await once.get('a', make)).toBe(1);
});

test('creates nothing for a key that was set', async () => {
  const once = new Once<string, number>();
  once.set('a', 5);
  expect(await once.get('a', () => Promise.reject(new Error('made')))).toBe(5);
});

test('gives every caller the same failure', async () => {
  const once = new Once<string, number>();
  const make = () => Promise.reject(new Error(`no ${++made}`));
  let made = 0;
  await expect(once.get('a', make)).rejects.toThrow('no 1');
  await expect(once.get('a', make)).rejects.toThrow('no 1');
});
