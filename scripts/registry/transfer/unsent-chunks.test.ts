import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { sha256, startFake, testClient } from '../../../tests/support/fake-registry.ts';
import type { Content } from '../../image/types.ts';
import { streamBufferSize, streamBuffers } from '../../memory/stream-buffers.ts';
import { UnsentChunks } from './unsent-chunks.ts';

/** Content whose chunks have these sizes in turn, in memory that the test's marker overwrites once it is recycled. */
function contentOf(bytes: Buffer, sizes: readonly number[]): { content: Content; buffers: Set<unknown> } {
  const buffers = new Set<unknown>();
  const content: Content = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    size: bytes.length,
    async *open(offset = 0) {
      for (let at = offset, turn = 0; at < bytes.length; turn++) {
        const chunk = streamBuffers.take(Math.min(sizes[turn % sizes.length] ?? 1, bytes.length - at));
        buffers.add(chunk.buffer);
        at += bytes.copy(chunk, 0, at);
        yield chunk;
      }
    },
  };
  return { content, buffers };
}

test.each([
  ['whole buffers', [streamBufferSize]],
  ['chunks as small as the pool lends', [streamBufferSize / 8]],
  ['large and tiny ones in turn', [streamBufferSize, 512, 70_000, streamBufferSize / 8, 3]],
])('a slow registry gets the right bytes of %s', { timeout: 60_000 }, async (_, sizes) => {
  const bytes = randomBytes(24 * 1024 ** 2);
  const { content, buffers } = contentOf(bytes, sizes);
  await using fake = await startFake({
    async intercept(request) {
      // The registry reads nothing meanwhile, so the upload holds as many chunks as it ever does.
      if (request.method === 'PATCH') await sleep(300);
      return false;
    },
  });
  await using client = testClient();
  const { digest } = await client.repository(`${fake.host}/me/slow`).write(content);
  expect(digest).toBe(sha256(bytes));
  expect(fake.blobs.get(`me/slow ${digest}`)?.equals(bytes)).toBe(true);
  if (sizes.length === 1 && sizes[0] === streamBufferSize) expect(buffers.size).toBeLessThan(8);
});

describe('UnsentChunks', () => {
  const chunks = (count: number) =>
    Array.from({ length: count }, () => streamBuffers.take(streamBufferSize).fill(1));
  const isRecycled = (chunk: Uint8Array) => chunk[0] !== 1;

  test('recycles a chunk once the socket must have passed it on', () => {
    const unsent = new UnsentChunks();
    const all = chunks(6);
    for (const chunk of all) unsent.add(chunk);
    // The newest two may be in the stream, the one before in the socket.
    expect(all.map(isRecycled)).toEqual([true, true, true, false, false, false]);
    unsent.allSent();
    expect(all.every(isRecycled)).toBe(true);
  });

  test('keeps all chunks whose bytes fit into the queue of a socket', () => {
    const unsent = new UnsentChunks();
    const [large, ...rest] = chunks(1);
    expect(rest).toEqual([]);
    if (large === undefined) return;
    unsent.add(large.subarray(0, 100));
    for (let turn = 0; turn < 50; turn++) unsent.add(Buffer.alloc(1000));
    expect(isRecycled(large)).toBe(false);
    for (let turn = 0; turn < 250; turn++) unsent.add(Buffer.alloc(1000));
    expect(isRecycled(large)).toBe(true);
  });
});
