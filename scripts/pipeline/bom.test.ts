import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { failure } from '../../tests/support/catalog-folder.ts';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { loadCatalog } from '../catalog/load.ts';
import { createProgress } from '../terminal/progress.ts';
import { type BomRunOptions, bomOfModel } from './bom.ts';
import { buildModels } from './build.ts';
import { lockModels } from './lock.ts';
import { pushModels } from './push.ts';

let folder: string;
let registry: FakeRegistry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-bom-'));
  registry = await startFake();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A model whose layers are compressed, so that its lock has no digests, and the options of a run. */
async function options(changes: { content?: string; store?: string } = {}): Promise<BomRunOptions> {
  await mkdir(join(folder, 'iris'), { recursive: true });
  await writeFile(join(folder, 'iris/model.joblib'), changes.content ?? 'a model');
  const file = join(folder, 'models.yaml');
  const defaults = 'defaults: {base: embedded, platforms: [linux/amd64], compression: gzip}';
  const model = '  - {name: iris, framework: sklearn, source: "file:iris"}';
  await writeFile(
    file,
    `version: v1.0.0\n${defaults}\nmodels:\n${model}\n${model.replace('iris', 'other')}\n`,
  );
  const catalog = await loadCatalog(file, { registry: `${registry.host}/me` });
  return {
    catalog,
    models: catalog.models.filter(({ name }) => name === 'iris'),
    frozen: false,
    dryRun: false,
    store: join(folder, changes.store ?? 'store'),
    registry: {},
    signal: new AbortController().signal,
    progress: await createProgress({ stream: process.stderr, enabled: false, interactive: false }),
    from: { layout: join(folder, 'out') },
  };
}
const build = async (run: BomRunOptions) => {
  const [outcome] = await buildModels({ ...run, output: join(folder, 'out') });
  return outcome?.digest?.replace('sha256:', '') ?? '';
};
const digestIn = async (run: BomRunOptions) =>
  (await bomOfModel(run)).metadata.component.hashes?.map(({ content }) => content);

it('describes the image in the layout, and without one the image that this machine once built', async () => {
  const run = await options();
  await lockModels(run);
  const digest = await build(run);
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(await digestIn(run)).toEqual([digest]);
  await rm(join(folder, 'out'), { recursive: true });
  expect(await digestIn(run)).toEqual([digest]);
  // What could be pushed is not what is in the registry.
  expect(await failure(bomOfModel({ ...run, from: { registry: true } }))).toMatchObject({ code: 'registry' });
});

it('says what to run when the digest is not known', async () => {
  const run = await options();
  await lockModels(run);
  const problem = await failure(bomOfModel({ ...run, store: join(folder, 'empty') }));
  expect(problem).toMatchObject({ code: 'layout', message: /never built/, next: /modelcars build iris/ });
  expect(await failure(bomOfModel({ ...run, from: { registry: true } }))).toMatchObject({
    code: 'registry',
    message: /has no such image/,
  });
});

it('describes the image in a registry on a machine that never read the model', async () => {
  const run = await options();
  await lockModels(run);
  await pushModels(run);
  const digest = await build(run);
  const elsewhere = { ...run, store: join(folder, 'empty'), from: { registry: true as const } };
  expect(await digestIn(elsewhere)).toEqual([digest]);
  const { purl, name } = (await bomOfModel(elsewhere)).metadata.component;
  expect(name).toBe(`${registry.host}/me/iris`);
  expect(purl).toContain(`repository_url=${encodeURIComponent(`${registry.host}/me/iris`)}`);
});

it.each(['store', 'empty'])('refuses an image of other files than the lock has (%s)', async (store) => {
  const run = await options();
  await lockModels(run);
  await pushModels(run);
  await build(run);
  const changed = await options({ content: 'another model', store });
  await lockModels(changed);
  const problem = { code: 'lock', message: /is not the image that the lock describes/ };
  // A machine that built the new image knows its digest; another one compares layer keys.
  if (store === 'store') await buildModels({ ...changed, output: join(folder, 'elsewhere') });
  expect(await failure(bomOfModel(changed))).toMatchObject(problem);
  expect(await failure(bomOfModel({ ...changed, from: { registry: true } }))).toMatchObject(problem);
});

it('is of one model', async () => {
  const run = await options();
  const problem = await failure(bomOfModel({ ...run, models: run.catalog.models }));
  expect(problem).toMatchObject({ code: 'usage', message: /2 models are selected/ });
});
