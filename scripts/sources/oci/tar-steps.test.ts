/** Members of a tar whose chunks are lent memory: their receivers recycle content while more of its chunk is to come. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { tarOf } from '../../../tests/support/oci-artifacts.ts';
import { recycle, streamBufferSize, streamBuffers } from '../../memory/stream-buffers.ts';
import { limits } from './listing.ts';
import { TarSteps } from './tar-steps.ts';

/** Some files within one chunk, and one that has chunks of its own. */
const files = [700, 300_000, 3 * streamBufferSize, 0, 5].map(
  (size, at) => [`models/${at}`, randomBytes(size)] as const,
);
const tar = await tarOf(files.map(([name, bytes]) => [name, bytes]));

/** Bytes as a file or a socket brings them: in buffers of the pool, which are filled anew as soon as they are free. */
async function* lent(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += streamBufferSize) {
    const part = bytes.subarray(at, at + streamBufferSize);
    const chunk = streamBuffers.take(part.length);
    chunk.set(part);
    yield chunk;
  }
}

test('every member has its own bytes and offset, though each is recycled before the next is read', async () => {
  const steps = new TarSteps(lent(tar), { ...limits }, tar.length);
  const found: [string, Buffer][] = [];
  for (let next = await steps.member(); next !== undefined; next = await steps.member()) {
    const parts: Buffer[] = [];
    for (let part = await steps.content(); part !== undefined; part = await steps.content()) {
      parts.push(Buffer.from(part));
      recycle(part);
    }
    const content = Buffer.concat(parts);
    expect(content.equals(tar.subarray(next.offset, next.offset + next.member.size))).toBe(true);
    found.push([next.member.name, content]);
  }
  expect(found.map(([name]) => name)).toEqual(files.map(([name]) => name));
  for (const [at, [, content]] of found.entries()) expect(content.equals(files[at]?.[1] ?? tar)).toBe(true);
});

test('content that nobody asks for is skipped', async () => {
  const steps = new TarSteps(lent(tar), { ...limits }, tar.length);
  for (const [name] of files) expect((await steps.member())?.member.name).toBe(name);
  expect(await steps.member()).toBeUndefined();
  expect(await steps.content()).toBeUndefined();
});

test.each([
  ['ends in a member', tar.subarray(0, 1000), tar.length, /ends in the middle of a member/],
  ['has more bytes than it may', tar, tar.length - 1, /far more bytes/],
])('a tar that %s is refused', async (_, bytes, most, message) => {
  const steps = new TarSteps(lent(bytes), { ...limits }, most);
  const readAll = async () => {
    while ((await steps.member()) !== undefined);
  };
  await expect(readAll()).rejects.toThrow(message);
});
