import { expect, test } from 'vitest';
import type { Content } from '../image/types.ts';
import { startFake, testClient } from './testing.ts';

test('memory does not grow with the size of a layer', { timeout: 120_000 }, async () => {
  const size = 2 * 1024 ** 3;
  const content: Content = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    size,
    async *open(offset = 0) {
      for (let at = offset; at < size; at += 1024 * 1024)
        yield Buffer.alloc(Math.min(1024 * 1024, size - at), at & 255);
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
