/** `chunkLifetime`: checks that every kind of stream keeps its chunks valid as promised. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ChunkSink } from '../http/bulk/connection.ts';
import { MemoryBudget } from '../http/ranges/memory-budget.ts';
import { parallelRanges } from '../http/ranges/read.ts';
import { layerOf } from '../image/layer.ts';
import { planLayers } from '../image/plan.ts';
import { chunkLifetime } from '../image/types.ts';
import { fileSource } from '../sources/file/source.ts';

const mebibyte = 1024 ** 2;
/** More chunks than any stream has buffers, and an odd number of bytes. */
const bytes = randomBytes(24 * mebibyte + 5);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const file = { path: 'big.bin', size: bytes.length, sha256 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lifetime-'));
  await writeFile(join(folder, 'big.bin'), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

/** Copies each chunk as late as a caller may: `chunkLifetime` chunks after it. */
async function lateCopy(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const held: Uint8Array[] = [];
  const late: Buffer[] = [];
  for await (const chunk of stream) {
    held.push(chunk);
    if (held.length > chunkLifetime) late.push(Buffer.from(held.shift() ?? ''));
  }
  return Buffer.concat([...late, ...held]);
}

/** Writes like a socket: into the memory that the reader provides. */
async function fromSocket(start: number, end: number, take: ChunkSink): Promise<void> {
  for (let at = start; at < end; ) {
    const room = take.room?.() ?? new Uint8Array(mebibyte);
    const part = bytes.subarray(at, Math.min(end, at + room.length));
    room.set(part);
    at += part.length;
    await take(room.subarray(0, part.length));
  }
}

const readFolder = () => fileSource(folder).open('file:big.bin', '', file);
const readRanges = () =>
  parallelRanges({
    what: 'read it',
    size: bytes.length,
    receive: fromSocket,
    chunk: 2 * mebibyte,
    connections: 3,
    budget: new MemoryBudget(4 * mebibyte),
  });

test.each([
  ['a file', readFolder],
  ['ranges of a hub or bucket', readRanges],
])('a chunk of %s stays valid for `chunkLifetime` more chunks', async (_, open) => {
  expect((await lateCopy(open())).equals(bytes)).toBe(true);
});

test.each([
  ['a file', readFolder],
  ['ranges', readRanges],
])('a chunk of a layer made of %s stays valid as long', async (_, open) => {
  const [plan] = planLayers([file]);
  if (plan === undefined) throw new Error('nothing was planned');
  const layer = layerOf(plan, open, { mtime: 0, compression: 'none' });
  expect((await lateCopy(layer.open())).includes(bytes)).toBe(true);
});
