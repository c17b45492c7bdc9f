import { expect, test } from 'vitest';
import { startFake, testClient } from '../../../tests/support/fake-registry.ts';
import type { Content } from '../../image/types.ts';
import { streamBufferSize, streamBuffers } from '../../memory/stream-buffers.ts';

test('memory does not grow with the size of a layer', { timeout: 120_000 }, async () => {
  const size = 2 * 1024 ** 3;
  const content: Content = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    size,
    // In buffers of the pool, as sources do: with new memory per chunk, the test would measure the garbage collector.
    async *open(offset = 0) {
      for (let at = offset; at < size; at += streamBufferSize)
        yield streamBuffers.take(Math.min(streamBufferSize, size - at)).fill(at & 255);
    },
  };
  await using fake = await startFake({ discards: true });
  await using client = testClient();
  const before = process.memoryUsage.rss();
  let largest = before;
  const watch = setInterval(() => {
    largest = Math.max(largest, process.memoryUsage.rss());
  }, 20);
  const written = await client.repository(`${fake.host}/me/large`).write(content);
  clearInterval(watch);
  expect(written.size).toBe(size);
  expect((largest - before) / 1024 ** 2).toBeLessThan(150);
});
