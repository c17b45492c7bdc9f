import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sha256, startFake, testClient } from '../../../tests/support/fake-registry.ts';
import { type Content, chunkLifetime } from '../../image/types.ts';

const size = 24 * 1024 ** 2;
const chunkSize = 1024 ** 2;

test('an upload to a slow registry keeps no chunk beyond its lifetime', { timeout: 60_000 }, async () => {
  const bytes = randomBytes(size);
  const content: Content = {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    size,
    async *open(offset = 0) {
      const good: Buffer[] = [];
      for (let at = offset; at < size; at += chunkSize) {
        // Overwritten exactly when the contract allows it.
        if (good.length > chunkLifetime) good.shift()?.fill(0);
        const chunk = Buffer.from(bytes.subarray(at, at + chunkSize));
        good.push(chunk);
        yield chunk;
      }
    },
  };
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
});
