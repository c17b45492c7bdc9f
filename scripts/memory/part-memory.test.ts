import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PartMemory } from './part-memory.ts';

const mebibyte = 1024 ** 2;
const part = 8 * mebibyte;
const never = new AbortController().signal;

/** Whether a promise has settled by now. */
async function isWaiting(promise: Promise<unknown>): Promise<boolean> {
  await setImmediate();
  return (await Promise.race([promise, Promise.resolve('waiting')])) === 'waiting';
}

test('a part waits until there is memory for it, and gets that of an earlier part', async () => {
  const memory = new PartMemory(2 * part);
  const [first, second] = await Promise.all([memory.lend(part, part, never), memory.lend(part, part, never)]);
  expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
  const third = memory.lend(5 * mebibyte, part, never);
  expect(await isWaiting(third)).toBe(true);
  first.release();
  const { bytes } = await third;
  expect(bytes).toHaveLength(5 * mebibyte);
  expect(bytes.buffer).toBe(first.bytes.buffer);
});

test('memory that is dropped is not lent again, and makes room', async () => {
  const memory = new PartMemory(part);
  const first = await memory.lend(part, part, never);
  first.drop();
  expect((await memory.lend(part, part, never)).bytes.buffer).not.toBe(first.bytes.buffer);
});

test('a part that is larger than all memory gets it alone', async () => {
  const memory = new PartMemory(part);
  const small = await memory.lend(10, part, never);
  const large = memory.lend(3 * part, 3 * part, never);
  expect(await isWaiting(large)).toBe(true);
  small.release();
  const { bytes, release } = await large;
  expect(bytes).toHaveLength(3 * part);
  const next = memory.lend(10, part, never);
  expect(await isWaiting(next)).toBe(true);
  release();
  expect((await next).bytes).toHaveLength(10);
});

test('an abort ends the waiting and takes no memory', async () => {
  const memory = new PartMemory(part);
  const first = await memory.lend(part, part, never);
  const stop = new AbortController();
  const waiting = memory.lend(part, part, stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  first.release();
  expect((await memory.lend(part, part, never)).bytes).toHaveLength(part);
});
