import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startFake, testClient } from '../../tests/support/fake-registry.ts';
import { readFrom } from '../files/read.ts';
import { layerOf } from '../image/layer.ts';
import { type ImageFile, planLayers } from '../image/plan.ts';
import { Layout } from '../layout/layout.ts';
import { streamBuffers } from '../memory/stream-buffers.ts';
import { hashContent } from '../pipeline/hash-content.ts';
import { fileSource } from '../sources/file/source.ts';
import { hashThreads } from './threads.ts';

const mebibyte = 1024 ** 2;
const never = new AbortController().signal;
const bytes = Buffer.alloc(
  5 * mebibyte + 17,
  'many different bytes, of a length that is prime: 61 bytes.....',
);
const file: ImageFile = {
  path: 'big.bin',
  size: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
};
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-hashing-'));
  await writeFile(join(folder, 'big.bin'), bytes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => hashThreads.restart());

const compressions = ['none', 'gzip', 'zstd'] as const;
type Compression = (typeof compressions)[number];

/** A layer of small and large files; the large ones are as `wanted`. */
function layer(compression: Compression, wanted = file) {
  const small = { path: 'a.json', size: 2, sha256: createHash('sha256').update('{}').digest('hex') };
  const [plan] = planLayers([small, wanted]);
  if (plan === undefined) throw new Error('nothing was planned');
  const open = async function* ({ path }: ImageFile, offset: number) {
    if (path === small.path) yield Buffer.from('{}').subarray(offset);
    else yield* readFrom(join(folder, 'big.bin'), offset);
  };
  return layerOf(plan, open, { mtime: 0, compression });
}

/** Writes a layer to a registry that breaks one connection, or to a layout on disk. */
async function write(
  sink: 'registry' | 'layout',
  compression: Compression,
  wanted = file,
  onBytes = () => {},
) {
  const content = layer(compression, wanted);
  if (sink === 'layout') {
    await using layout = await Layout.create(await mkdtemp(join(folder, 'layout-')));
    const { digest, size } = await layout.write(content, { onBytes });
    return { digest, size, diffId: content.diffId(digest) };
  }
  await using fake = await startFake({ resumes: true, breaks: [2 * mebibyte] });
  await using client = testClient({});
  const { digest, size } = await client.repository(`${fake.host}/me/iris`).write(content, { onBytes });
  return { digest, size, diffId: content.diffId(digest) };
}

test.each(compressions)('%s: a layer has the same digests with threads and without', async (compression) => {
  await hashThreads.restart(0);
  const { digest, size } = await hashContent(layer(compression), never);
  const expected = await write('layout', compression);
  expect(expected).toMatchObject({ digest, size });
  await hashThreads.restart(2, 1);
  expect(await hashContent(layer(compression), never)).toEqual({ digest, size });
  expect(await write('layout', compression)).toEqual(expected);
  expect(await write('registry', compression)).toEqual(expected);
});

test('the hash of a local file is the same with threads and without', async () => {
  await hashThreads.restart(2, 1);
  const { files } = await fileSource(folder).resolve('file:big.bin', () => true);
  expect(files).toEqual([{ path: 'big.bin', size: file.size, sha256: file.sha256 }]);
});

test.each(['registry', 'layout'] as const)('%s: a corrupt file is found, and named', async (sink) => {
  await hashThreads.restart(2, 1);
  const wanted = { ...file, sha256: '0'.repeat(64) };
  await expect(write(sink, 'none', wanted)).rejects.toMatchObject({
    code: 'integrity',
    message: expect.stringContaining(`big.bin: it has sha256 ${file.sha256}`),
  });
});

test('a read that was given up while its thread was behind does not hash bytes twice', async () => {
  await hashThreads.restart(1, 1);
  const [plan] = planLayers([file]);
  if (plan === undefined) throw new Error('nothing was planned');
  const open = async function* (_: ImageFile, offset: number) {
    // Nothing but the thread is waited for.
    for (let at = offset; at < bytes.length; at += mebibyte) {
      const chunk = streamBuffers.take(Math.min(mebibyte, bytes.length - at));
      bytes.copy(chunk, 0, at);
      yield chunk;
    }
  };
  const layer = layerOf(plan, open, { mtime: 0, compression: 'none' });
  const first = layer.open(0)[Symbol.asyncIterator]();
  let at = 0;
  while (at < mebibyte) at += ((await first.next()).value as Uint8Array).length;
  // The thread has one chunk of the file, and gets a second one, for which this waits.
  const pending = first.next();
  // Fails if the file seems to differ from the lock.
  for await (const chunk of layer.open(at)) at += chunk.length;
  expect(at).toBe(layer.size);
  await pending;
});

test.each(['registry', 'layout'] as const)('%s: a thread that ends ends the write', async (sink) => {
  await hashThreads.restart(1, 1);
  const writing = write(sink, 'none', file, () => void hashThreads.restart(1, 1));
  await expect(writing).rejects.toMatchObject({ message: expect.stringContaining('the thread ended') });
});
