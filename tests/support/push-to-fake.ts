/** One write to a registry that misbehaves on demand, and its results; for tests. */
import { randomBytes } from 'node:crypto';
import type { Content, WriteOptions } from '../../scripts/image/types.ts';
import { type FakeOptions, sha256, startFake, testClient } from './fake-registry.ts';

export const bytes = randomBytes(100_000);
export const digest = sha256(bytes);

/** Writes a content to a registry that misbehaves on demand. */
export async function push(fakeOptions: FakeOptions, content: Content, options: WriteOptions = {}) {
  await using fake = await startFake(fakeOptions);
  const retries: string[] = [];
  await using client = testClient({ onRetry: (message) => retries.push(message) });
  let told = 0;
  const writing = client.repository(`${fake.host}/me/iris`).write(content, {
    onBytes: (count) => {
      told += count;
    },
    ...options,
  });
  const result = await writing.catch((error: unknown) => error);
  const uploads = fake.requests.filter((one) => one.method !== 'GET' && one.path.includes('/uploads/'));
  return {
    result,
    fake,
    told,
    retries,
    uploads,
    sequence: fake.requests.filter((one) => !one.path.endsWith('/v2/')).map((one) => one.method),
    stored: fake.blobs.get(`me/iris ${digest}`),
  };
}
