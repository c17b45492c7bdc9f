import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { loadCatalog } from '../catalog/load.ts';
import type { Model } from '../model/types.ts';
import { createProgress } from '../terminal/progress.ts';
import { lockModels } from './lock.ts';
import { manifestModels } from './manifest.ts';
import { type PushVerifiedOptions, pushVerified } from './push-verified.ts';

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let registry: FakeRegistry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-gate-'));
  registry = await startFake();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Two small models, locked. */
async function options(smoke: PushVerifiedOptions['smoke']): Promise<PushVerifiedOptions> {
  const models = ['good', 'bad'].map(
    (name) => `  - {name: ${name}, framework: sklearn, source: "file:${name}"}`,
  );
  for (const name of ['good', 'bad']) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'model.joblib'), `a model called ${name}`);
  }
  const file = join(folder, 'models.yaml');
  const defaults = 'defaults: {base: embedded, platforms: [linux/amd64]}';
  await writeFile(file, `version: v1.0.0\n${defaults}\nmodels:\n${models.join('\n')}\n`);
  const catalog = await loadCatalog(file, { registry: `${registry.host}/me` });
  const stream = process.stderr;
  const run = {
    catalog,
    models: catalog.models,
    frozen: false,
    dryRun: false,
    store: join(folder, 'store'),
    registry: {},
    signal: new AbortController().signal,
    progress: await createProgress({ stream, enabled: false, interactive: false }),
  };
  const { outcomes } = await lockModels(run);
  expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done']);
  return { ...run, output: join(folder, 'out'), smoke };
}

const tagged = () => [...registry.manifests.keys()].filter((key) => key.includes('v1.0.0'));

it('pushes only models that passed the smoke test, by the tested digest', async () => {
  const asked: string[] = [];
  const gate = await options(async (models: Model[]) => {
    asked.push(...models.map(({ name }) => name));
    expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
    return new Set(['good']);
  });
  const [good, bad] = await pushVerified(gate);
  expect(asked).toEqual(['good', 'bad']);
  expect(good).toMatchObject({ model: 'good', status: 'done' });
  expect(bad).toMatchObject({ model: 'bad', status: 'failed' });
  expect(bad?.error?.message).toContain('smoke test failed');
  expect(tagged()).toHaveLength(1);
  expect(tagged()[0]).toContain('good');
  const [manifest] = await manifestModels({
    ...gate,
    models: gate.models.slice(0, 1),
    from: { layout: gate.output },
    pullSecrets: [],
    withRuntime: false,
  });
  expect(manifest?.image).toBe(`${registry.host}/me/good@${good?.digest}`);
});

it('reports a build failure, and does not push that model', async () => {
  const gate = await options(async (models) => new Set(models.map(({ name }) => name)));
  await writeFile(join(folder, 'bad', 'model.joblib'), 'other bytes than those of the lock');
  const [good, bad] = await pushVerified(gate);
  expect(good?.status).toBe('done');
  expect(bad).toMatchObject({ status: 'failed', error: { code: 'integrity' } });
  expect(bad?.error?.message).not.toContain('smoke test failed');
  expect(tagged()).toHaveLength(1);
});

it('sets no tag when the model changed after its smoke test and is not locked', async () => {
  const gate = await options(async () => {
    await writeFile(join(folder, 'good', 'model.joblib'), 'another model');
    return new Set(['good', 'bad']);
  });
  await rm(gate.catalog.lockFile);
  const [good, bad] = await pushVerified(gate);
  expect(good).toMatchObject({ status: 'failed', error: { code: 'integrity' } });
  expect(good?.error?.message).toContain('but the smoke test ran with sha256:');
  expect(bad?.status).toBe('done');
  expect(
    [...registry.manifests.keys()].filter((key) => key.includes('good v') || key.includes('good latest')),
  ).toEqual([]);
  expect(tagged()).toHaveLength(1);
});

it('pushes nothing when stopped during the smoke test', async () => {
  const controller = new AbortController();
  const gate = await options(async () => {
    controller.abort(new Error('stopped'));
    return new Set(['good', 'bad']);
  });
  await expect(pushVerified({ ...gate, signal: controller.signal })).rejects.toThrow('stopped');
  expect(tagged()).toEqual([]);
});

it('runs no smoke test in a dry run', async () => {
  const gate = await options(async () => {
    throw new Error('must not be asked');
  });
  const outcomes = await pushVerified({ ...gate, dryRun: true });
  expect(outcomes.map(({ status }) => status)).toEqual(['planned', 'planned']);
});
