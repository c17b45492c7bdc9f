/** What a run costs per model does not grow with the catalog: requests counted, never times. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pushBase } from '../../tests/parts/bases.ts';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { modelcarsInside } from '../../tests/support/run-inside.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let registry: FakeRegistry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-scale-'));
  registry = await startFake();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function writeModels(count: number, base: string, files: Record<string, string>): Promise<void> {
  const names = Array.from({ length: count }, (_, at) => `m${at}`);
  for (const name of names) {
    await mkdir(join(folder, name), { recursive: true });
    for (const [file, text] of Object.entries(files)) await writeFile(join(folder, name, file), text + name);
  }
  const entry = (name: string) =>
    `  - {name: ${name}, framework: custom, source: "file:${name}", include: ["**"]}\n`;
  const head = `registry: ${registry.host}/me\nversion: v1.0.0\ndefaults: {base: "${base}", platforms: [linux/amd64]}\n`;
  await writeFile(join(folder, 'models.yaml'), `${head}models:\n${names.map(entry).join('')}`);
}

/** Runs a command that has to succeed. Returns the number of its requests. */
async function requests(command: string): Promise<number> {
  const before = registry.requests.length;
  const words = [command, ...(command === 'push' ? ['--frozen'] : []), '--insecure', registry.host];
  const { code, stderr } = await modelcarsInside(words, {
    cwd: folder,
    env: { MODELCARS_STORE: join(folder, 'store') },
  });
  expect(code, stderr).toBe(0);
  return registry.requests.length - before;
}

it('an unchanged push makes at most seven requests per model, whatever their number', async () => {
  const counts: number[] = [];
  for (const models of [3, 12]) {
    await writeModels(models, 'embedded', { 'config.json': '{}', 'weights.bin': 'w' });
    await requests('lock');
    await requests('push');
    counts.push(await requests('push'));
  }
  const [few = 0, many = 0] = counts;
  expect((many - few) / 9).toBeLessThanOrEqual(7);
  expect(many / 12).toBeLessThanOrEqual(7);
});

it('a lock resolves a base once, whatever the number of its models', async () => {
  const { reference } = await pushBase(registry.host, 'bases/shell', 'one');
  const counts: number[] = [];
  for (const models of [1, 6]) {
    await rm(join(folder, 'models.lock.yaml'), { force: true });
    await rm(join(folder, 'store'), { recursive: true, force: true });
    await writeModels(models, reference, { 'weights.bin': 'w' });
    counts.push(await requests('lock'));
  }
  expect(counts[0]).toBeGreaterThan(0);
  expect(counts[1]).toBe(counts[0]);
});

it('a lock of many small files allocates no more than the files have', async () => {
  const files = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`part-${at}.json`, `${at}`]));
  await writeModels(1, 'embedded', files);
  const allocate = vi.spyOn(Buffer, 'allocUnsafe');
  await requests('lock');
  const large = allocate.mock.calls.filter(([size]) => size >= 1024 ** 2);
  allocate.mockRestore();
  expect(large.length).toBeLessThan(20);
});
