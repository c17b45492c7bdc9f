/** Members of a tar whose chunks are lent memory: their receivers recycle content while more of its chunk is to come. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { tarOf } from '../../tests/support/oci-artifacts.ts';
import { recycle, streamBufferSize, streamBuffers } from '../memory/stream-buffers.ts';
import { readMembers } from './tar-members.ts';

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

const budget = () => ({ members: 100, names: 10_000 });
const read = (bytes: Uint8Array, most = bytes.length) => readMembers(lent(bytes), { budget: budget(), most });

test('every member has its own bytes and offset, though each is recycled before the next is read', async () => {
  const found: [string, Buffer][] = [];
  for await (const { member, offset, content } of read(tar)) {
    const parts: Buffer[] = [];
    for await (const part of content) {
      parts.push(Buffer.from(part));
      recycle(part);
    }
    const bytes = Buffer.concat(parts);
    expect(bytes.equals(tar.subarray(offset, offset + member.size))).toBe(true);
    found.push([member.name, bytes]);
  }
  expect(found.map(([name]) => name)).toEqual(files.map(([name]) => name));
  for (const [at, [, bytes]] of found.entries()) expect(bytes.equals(files[at]?.[1] ?? tar)).toBe(true);
});

test('content that nobody asks for is skipped', async () => {
  const names: string[] = [];
  for await (const { member } of read(tar)) names.push(member.name);
  expect(names).toEqual(files.map(([name]) => name));
});

test('the stream is closed when a reader stops', async () => {
  let closed = false;
  async function* watched() {
    try {
      yield* lent(tar);
    } finally {
      closed = true;
    }
  }
  for await (const { member } of readMembers(watched(), { budget: budget(), most: tar.length }))
    if (member.name === 'models/1') break;
  expect(closed).toBe(true);
});

test.each([
  ['ends in a member', tar.subarray(0, 1000), tar.length, /ends in the middle of a member/],
  ['has more bytes than it may', tar, tar.length - 1, /far more bytes/],
])('a tar that %s is refused', async (_, bytes, most, message) => {
  const readAll = async () => {
    for await (const { content } of read(bytes, most)) for await (const part of content) recycle(part);
  };
  await expect(readAll()).rejects.toThrow(message);
});
