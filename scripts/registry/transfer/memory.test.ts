import { expect, test } from 'vitest';
import { startFake, testClient } from '../../../tests/support/fake-registry.ts';
import { bufferRing } from '../../files/buffers.ts';
import type { Content } from '../../image/types.ts';

test('memory does not grow with the size of a layer', { timeout: 120_000 }, async () => {
  const size = 2 * 1024 ** 3;
  const content: Content = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    size,
    // Reuses buffers as sources do: with new memory per chunk, the test would measure the garbage collector.
    async *open(offset = 0) {
      const next = bufferRing(1024 * 1024);
      for (let at = offset; at < size; at += 1024 * 1024)
        yield next()
          .fill(at & 255)
          .subarray(0, size - at);
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
