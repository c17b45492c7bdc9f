/** The largest layer: what docs/reference/models-yaml.md promises for `maxLayerSize`, before any byte moves. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCatalog, noise } from '../parts/cli.ts';
import { inside, tryInside } from '../parts/inside.ts';

let folder: string;
let catalog: string;
let lock: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-limits-'));
  await makeCatalog(folder, [
    { name: 'one', framework: 'sklearn', files: { 'model.joblib': noise(40_000, 1) } },
  ]);
  catalog = await readFile(join(folder, 'models.yaml'), 'utf8');
  lock = await readFile(join(folder, 'models.lock.yaml'), 'utf8');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes a catalog with more keys. */
async function given(top: string, model: string): Promise<void> {
  await writeFile(join(folder, 'models.yaml'), `${top}${catalog}${model}`);
  await writeFile(join(folder, 'models.lock.yaml'), lock);
}

/** The same for a hub model whose size is in the lock: planning reads no bytes. */
async function givenOnHub(top: string, model: string, size: number): Promise<void> {
  const move = (text: string) => text.replace('file:files/one', 'hf://org/one');
  await writeFile(join(folder, 'models.yaml'), move(`${top}${catalog}${model}`));
  await writeFile(join(folder, 'models.lock.yaml'), move(lock).replace('size: 40000', `size: ${size}`));
}

const build = (...more: string[]) => tryInside(['build', '--base', 'embedded', ...more], { cwd: folder });

test('build honours the `maxLayerSize` of the model, and writes nothing when a layer is larger', async () => {
  await given('', '    maxLayerSize: 30kB\n');
  const { code, stderr } = await build();
  expect(code).toBe(1);
  expect(stderr).toContain('model.joblib needs a layer of 42496 bytes, and `maxLayerSize` allows 30000');
  expect(stderr).toContain('next: raise `maxLayerSize`, or use a sharded copy of the model');
  await expect(stat(join(folder, 'out/index.json'))).resolves.toBeDefined();
  expect(await readFile(join(folder, 'out/index.json'), 'utf8')).not.toContain('one');

  await given('', '    maxLayerSize: 42496\n');
  expect(await build()).toMatchObject({ code: 0 });
});

test("without `maxLayerSize` the limit is the registry's, or 10 GB for an unknown registry", async () => {
  await givenOnHub('', '', 10_000_000_001);
  expect(await build('--dry-run')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('and the default limit is 10000000000'),
  });
  await givenOnHub('registry: registry.example.com/me\n', '', 10_000_000_001);
  expect(await build('--dry-run')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('next: set `maxLayerSize` to what your registry takes'),
  });
  await givenOnHub('registry: ghcr.io/me\n', '', 10_000_000_001);
  expect((await build('--dry-run')).stderr).toContain('ghcr.io takes 10000000000');

  await givenOnHub('', '', 9_999_000_000);
  await inside(['build', '--base', 'embedded', '--dry-run'], { cwd: folder });
  await givenOnHub('registry: quay.io/me\n', '', 19_000_000_000);
  await inside(['build', '--base', 'embedded', '--dry-run'], { cwd: folder });
  await givenOnHub('registry: registry.example.com/me\n', '    maxLayerSize: 1TB\n', 19_000_000_000);
  await inside(['build', '--base', 'embedded', '--dry-run'], { cwd: folder });
});
