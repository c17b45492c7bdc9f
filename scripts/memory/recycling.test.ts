/** Chunks that their receivers recycle at once: every stream must be done with a chunk when it passes it on. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readFrom } from '../files/read.ts';
import type { ChunkSink } from '../http/bulk/connection.ts';
import { parallelRanges } from '../http/ranges/read.ts';
import { layerOf } from '../image/layer.ts';
import { planLayers } from '../image/plan.ts';
import { hashContent } from '../pipeline/hash-content.ts';
import { fileSource } from '../sources/file/source.ts';
import { StoreFiles } from '../store/files.ts';
import { FileWalk } from '../trust/unsafe-files/walk.ts';
import { MemoryBudget } from './budget.ts';
import { recycle, streamBuffers } from './stream-buffers.ts';

const mebibyte = 1024 ** 2;
/** Some buffers of bytes, and an odd number of them. */
const bytes = randomBytes(12 * mebibyte + 5);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const file = { path: 'big.bin', size: bytes.length, sha256 };
const never = new AbortController().signal;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recycling-'));
  await writeFile(join(folder, 'big.bin'), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

/** Copies each chunk and recycles it before the next one is asked for. */
async function copyAndRecycle(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const chunk of stream) {
    copies.push(Buffer.from(chunk));
    recycle(chunk);
  }
  return Buffer.concat(copies);
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
const readRanges = (offset = 0, size = bytes.length) =>
  parallelRanges({
    what: 'read it',
    size,
    offset,
    receive: fromSocket,
    chunk: 2 * mebibyte,
    connections: 3,
    budget: new MemoryBudget(4 * mebibyte),
  });
const openRanges = (_: unknown, offset: number) => readRanges(offset);
const keepInStore = async function* () {
  const store = await StoreFiles.create(await mkdtemp(join(folder, 'store-')));
  yield* store.keep(file, (offset) => readRanges(offset));
};

test('recycled memory is overwritten in every test', () => {
  const chunk = streamBuffers.take(mebibyte).fill(1);
  recycle(chunk);
  expect(chunk.every((byte) => byte === 0xdb)).toBe(true);
});

test.each([
  ['a file', readFolder],
  ['a file of the store or a layout', () => readFrom(join(folder, 'big.bin'))],
  ['ranges of a hub or bucket', () => readRanges()],
  ['a file that the store keeps', keepInStore],
])('%s arrives whole when each chunk is recycled at once', async (_, open) => {
  expect((await copyAndRecycle(open())).equals(bytes)).toBe(true);
});

test.each(['none', 'gzip', 'zstd'] as const)(
  'a layer (compression: %s) has the same digest, however its chunks are recycled',
  async (compression) => {
    // gzip is slow.
    const size = 2 * mebibyte + 1;
    const hash = createHash('sha256').update(bytes.subarray(0, size)).digest('hex');
    const [plan] = planLayers([{ path: 'small.bin', size, sha256: hash }]);
    if (plan === undefined) throw new Error('nothing was planned');
    const layer = () => layerOf(plan, (_, offset) => readRanges(offset, size), { mtime: 0, compression });
    const kept = createHash('sha256');
    for await (const chunk of layer().open()) kept.update(chunk);
    const { digest } = await hashContent(layer(), never);
    expect(digest).toBe(`sha256:${kept.digest('hex')}`);
  },
);

test('a layer that is read again from the middle recycles what it skips', async () => {
  const [plan] = planLayers([file]);
  if (plan === undefined) throw new Error('nothing was planned');
  const whole = await copyAndRecycle(layerOf(plan, openRanges, { mtime: 0, compression: 'none' }).open());
  const layer = layerOf(plan, openRanges, { mtime: 0, compression: 'none' });
  for await (const _ of layer.open()) break;
  const rest = await copyAndRecycle(layer.open(5 * mebibyte + 3));
  expect(rest.equals(whole.subarray(5 * mebibyte + 3))).toBe(true);
});

test('ranges that are not taken give their memory back', async () => {
  const reading = readRanges();
  await reading.next();
  // All that fits into the budget has arrived by now: four chunks, one of them taken.
  await setImmediate();
  const take = vi.spyOn(streamBuffers, 'recycle');
  await reading.return(undefined);
  expect(take.mock.calls.length).toBeGreaterThanOrEqual(3);
});

test('the walk of a file keeps no bytes of a chunk that was taken', async () => {
  // A pickle whose opcodes lie across the borders of its chunks: GLOBAL os.system, and the end.
  const pickle = Buffer.concat([
    Buffer.from('\x80\x02cos\nsystem\n', 'latin1'),
    Buffer.alloc(100, 'N0'),
    Buffer.from('.'),
  ]);
  const walk = new FileWalk('model.pkl', pickle.length);
  for (let at = 0; at < pickle.length; at += 3) {
    const chunk = Buffer.from(pickle.subarray(at, at + 3));
    await walk.push(chunk);
    chunk.fill(0xdb);
  }
  expect((await walk.end()).imports).toMatchObject([{ module: 'os', name: 'system' }]);
});
