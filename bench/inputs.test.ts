import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { weightsOf, writeFiles, writeSparse } from './inputs.ts';
import { parseSize, readOptions } from './options.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-inputs-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

test('files have the requested size and reproducible bytes; files and models differ', async () => {
  const files = { 'a.safetensors': 5_000_001, 'b.safetensors': 5_000_001, 'config.json': '{}' };
  for (const [name, seed] of [
    ['one', 1],
    ['again', 1],
    ['two', 2],
  ] as const)
    await writeFiles(join(folder, name), files, seed);
  const read = async (path: string): Promise<Buffer> => await readFile(join(folder, path));
  const first = await read('one/a.safetensors');
  expect(first.length).toBe(5_000_001);
  expect(first.equals(await read('again/a.safetensors'))).toBe(true);
  expect(first.equals(await read('one/b.safetensors'))).toBe(false);
  expect(first.equals(await read('two/a.safetensors'))).toBe(false);
});

test('a file is safetensors: length, JSON, and a tensor that fills the rest', async () => {
  for (const size of [100_000, 100_001]) {
    await writeFiles(folder, { 'x.safetensors': size }, 1);
    const bytes = await readFile(join(folder, 'x.safetensors'));
    const length = Number(bytes.readBigUInt64LE());
    const { weight } = JSON.parse(bytes.subarray(8, 8 + length).toString());
    expect(weight.data_offsets).toEqual([0, size - 8 - length]);
    expect(weight.shape).toEqual([(size - 8 - length) / 2]);
  }
});

test('generated weights compress slightly, as real ones do', () => {
  const weights = weightsOf(1);
  const share = gzipSync(weights).length / weights.length;
  expect(share).toBeGreaterThan(0.7);
  expect(share).toBeLessThan(0.9);
});

test('a sparse file is large and uses no disk', async () => {
  const path = join(folder, 'sparse');
  await writeSparse(path, 1024 ** 4);
  const { size, blocks } = await stat(path);
  expect(size).toBe(1024 ** 4);
  expect(blocks).toBe(0);
});

test('sizes are binary and have a unit', () => {
  expect(['1GiB', '32MiB', '0.5KiB'].map(parseSize)).toEqual([2 ** 30, 2 ** 25, 512]);
  for (const wrong of ['1GB', '5', 'GiB', '-1MiB', '1gib']) expect(() => parseSize(wrong)).toThrow(wrong);
});

test('modelcars is always among the peers, and an unknown name is refused', () => {
  const { peers, works } = readOptions(['--peers', 'podman,crane', '--work', 'files']);
  const named = (pull: boolean) =>
    peers.filter(({ kinds }) => kinds.includes('pull') === pull).map(({ name }) => name);
  expect(named(false)).toEqual(['modelcars', 'crane', 'podman']);
  expect(named(true)).toEqual(['modelcars', 'crane', 'podman']);
  expect(works.map(({ name }) => name)).toEqual(['files']);
  expect(() => readOptions(['--peers', 'podmann'])).toThrow('podmann');
  expect(() => readOptions(['--runs', '0'])).toThrow('--runs 0');
});
