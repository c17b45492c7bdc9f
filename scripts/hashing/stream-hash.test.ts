import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { defaultMaxMemory } from '../memory/shares.ts';
import { BufferPool, recycle, streamBufferSize, streamBuffers } from '../memory/stream-buffers.ts';
import { streamHash } from './stream-hash.ts';
import { hashThreads, threadsFor } from './threads.ts';

const large = 1024 ** 3;

beforeAll(() => hashThreads.restart(2));
afterAll(() => hashThreads.restart());

/** A chunk of the pool's memory; each number has other bytes. */
function chunkOf(number: number, length = streamBufferSize): Buffer {
  return streamBuffers.take(length).fill(`chunk ${number}`);
}

/** Hashes chunks, each of which is recycled at once. */
async function hashAll(size: number, chunks: Iterable<Uint8Array>): Promise<string> {
  const hash = streamHash(size);
  for (const chunk of chunks) {
    const behind = hash.update(chunk);
    recycle(chunk);
    if (behind) await behind;
  }
  return await hash.digest();
}

function* mixed(): Generator<Uint8Array> {
  yield Buffer.from('a header');
  yield chunkOf(1);
  yield chunkOf(2, streamBufferSize - 1).subarray(5);
  for (let at = 0; at < 40; at++) yield Buffer.alloc(64 * 1024, `${at}`);
  for (let at = 3; at < 20; at++) yield chunkOf(at);
  yield Buffer.from('the end');
}

test('none on one or two cores, or with little memory; two on more', () => {
  expect([1, 2, 3, 64].map((cores) => threadsFor(cores, defaultMaxMemory))).toEqual([0, 0, 2, 2]);
  expect(threadsFor(64, defaultMaxMemory - 1)).toBe(0);
});

test('small content is hashed in this thread', () => {
  expect(streamHash(1000).constructor).not.toBe(streamHash(large).constructor);
  expect(streamHash(undefined).constructor).toBe(streamHash(large).constructor);
});

test.each([
  ['chunks of the pool and others', mixed],
  ['nothing', () => []],
])('%s: threads hash what one thread hashes', async (_, chunks) => {
  const expected = createHash('sha256');
  for (const chunk of chunks()) expected.update(chunk);
  const digest = expected.digest('hex');
  expect(await hashAll(large, chunks())).toBe(digest);
  expect(await hashAll(0, chunks())).toBe(digest);
});

test('streams share the threads', async () => {
  const digests = await Promise.all(Array.from({ length: 8 }, () => hashAll(large, mixed())));
  expect(new Set(digests)).toEqual(new Set([await hashAll(0, mixed())]));
});

test('a chunk that is recycled at once stays as it is until it was hashed, and is lent again then', async () => {
  const hash = streamHash(large);
  const chunk = chunkOf(1);
  hash.update(chunk);
  recycle(chunk);
  expect(chunk.subarray(0, 7).toString()).toBe('chunk 1');
  expect(streamBuffers.take(streamBufferSize).buffer).not.toBe(chunk.buffer);
  await hash.digest();
  expect(chunk[0]).toBe(0xdb);
  expect(streamBuffers.take(streamBufferSize).buffer).toBe(chunk.buffer);
});

test('memory stays flat: no more than two chunks wait for a thread', async () => {
  const memory = new Set<ArrayBufferLike>();
  function* many(): Generator<Uint8Array> {
    for (let at = 0; at < 50; at++) {
      const chunk = chunkOf(at);
      memory.add(chunk.buffer);
      yield chunk;
    }
  }
  await hashAll(large, many());
  expect(memory.size).toBeLessThanOrEqual(4);
});

test('two holds: memory is lent again after the last one', () => {
  const pool = new BufferPool();
  pool.shareMemory();
  const chunk = pool.take(streamBufferSize);
  expect([pool.hold(chunk), pool.hold(chunk.subarray(9))]).toEqual([true, true]);
  pool.recycle(chunk);
  pool.release(chunk);
  expect(pool.take(streamBufferSize).buffer).not.toBe(chunk.buffer);
  pool.release(chunk);
  expect(pool.take(streamBufferSize).buffer).toBe(chunk.buffer);
});

test('memory that another thread cannot read is not held', () => {
  const pool = new BufferPool();
  const early = pool.take(streamBufferSize);
  pool.shareMemory();
  expect([pool.hold(early), pool.hold(Buffer.alloc(9))]).toEqual([false, false]);
  pool.recycle(early);
  expect(pool.take(streamBufferSize).buffer).toBeInstanceOf(SharedArrayBuffer);
});

test('when a thread ends, each hash in it fails, now and later', async () => {
  await hashThreads.restart(1);
  const [first, second] = [streamHash(large), streamHash(large)];
  first.update(chunkOf(1));
  const digest = second.digest();
  await Promise.all([
    expect(digest).rejects.toThrow(/^hash in a thread: the thread ended: exit code \d$/),
    hashThreads.restart(1),
  ]);
  await expect(first.digest()).rejects.toMatchObject({ code: 'bug', next: expect.stringContaining('again') });
});

afterEach(() => hashThreads.restart(2));
