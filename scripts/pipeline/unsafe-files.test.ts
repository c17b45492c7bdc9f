import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Hub, startHub } from '../../tests/parts/hub.ts';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { call, file, int, str } from '../../tests/support/pickles.ts';
import { loadCatalog } from '../catalog/load.ts';
import { createProgress } from '../terminal/progress.ts';
import { buildModels } from './build.ts';
import { lockModels } from './lock.ts';
import { pushModels } from './push.ts';
import type { RunOptions } from './types.ts';
import { verifyModels } from './verify.ts';

vi.setConfig({ testTimeout: 120_000 });

const hostile = file(call('os', 'system', str('true')));
const harmless = file(int(1));

let folder: string;
let registry: FakeRegistry;
let hub: Hub;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-unsafe-'));
  registry = await startFake();
  hub = await startHub({
    models: {
      'org/hostile': { files: { 'model.joblib': hostile } },
      'org/harmless': { files: { 'model.joblib': harmless } },
      'org/weights': {
        files: { 'config.json': '{}', 'model.gguf': await readFile('frameworks/gguf/model.gguf') },
      },
    },
  });
  vi.stubEnv('HF_ENDPOINT', hub.url);
  vi.stubEnv('HF_HOME', join(folder, 'hf'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A run over one model, and the lines that it prints. */
async function run(
  source: string,
  more: {
    allow?: string;
    framework?: string;
    store?: string;
    compression?: string;
  } & Partial<RunOptions> = {},
): Promise<RunOptions & { printed(): string }> {
  const { allow, framework = 'sklearn', store = 'store', compression = 'none', ...rest } = more;
  const path = join(folder, 'models.yaml');
  const entry = `{name: one, framework: ${framework}, source: "${source}"${allow ? `, allow: ${allow}` : ''}}`;
  await writeFile(
    path,
    `version: v1.0.0\ndefaults: {base: embedded, platforms: [linux/amd64], compression: ${compression}}\nmodels:\n  - ${entry}\n`,
  );
  const catalog = await loadCatalog(path, { registry: `${registry.host}/me` });
  const stream = new PassThrough();
  let printed = '';
  stream.on('data', (text: Buffer) => {
    printed += text.toString();
  });
  return {
    catalog,
    models: catalog.models,
    frozen: false,
    dryRun: false,
    store: join(folder, store),
    registry: {},
    signal: new AbortController().signal,
    progress: await createProgress({ stream: stream as never, enabled: false, interactive: false }),
    ...rest,
    printed: () => printed,
  };
}

const message = /^check one: model\.joblib imports os\.system, at offset \d+$/;
const reads = () => hub.requests().filter(({ path }) => path.includes('/resolve/')).length;

describe('a file from a hub that can run code', () => {
  it('fails push: no manifest, no tag', async () => {
    const [outcome] = await pushModels(await run('hf://org/hostile'));
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'trust' } });
    expect(outcome?.error?.message).toMatch(message);
    expect(outcome?.error?.next).toBe(
      'do not serve this file; if this is meant, add `allow: {imports: [os.system]}` to one in models.yaml',
    );
    expect([...registry.manifests.keys()]).toEqual([]);
  });

  it('fails build: no entry in the layout, no blob', async () => {
    const output = join(folder, 'out');
    const [outcome] = await buildModels({ ...(await run('hf://org/hostile')), output });
    expect(outcome).toMatchObject({ status: 'failed', error: { code: 'trust' } });
    expect(JSON.parse(await readFile(join(output, 'index.json'), 'utf8')).manifests).toEqual([]);
  });

  it('is reported with --unsafe-files warn, and not mentioned with allow or when models.yaml allows it', async () => {
    const warned = await run('hf://org/hostile', { unsafeFiles: 'warn' });
    expect((await pushModels(warned))[0]?.status).toBe('done');
    expect(warned.printed()).toContain('model.joblib imports os.system');
    for (const more of [{ unsafeFiles: 'allow' as const }, { allow: '{imports: [os.system]}' }]) {
      const silent = await run('hf://org/hostile', more);
      expect((await pushModels(silent))[0]?.status).not.toBe('failed');
      expect(silent.printed()).not.toContain('os.system');
    }
  });

  it('is refused although store, lock and registry know its layer from a run that allowed it', async () => {
    const allowed = await run('hf://org/hostile', { unsafeFiles: 'allow' });
    await lockModels({ ...allowed, layers: true });
    expect((await pushModels(allowed))[0]?.status).toBe('done');
    const lock = await readFile(join(folder, 'models.lock.yaml'), 'utf8');
    expect(lock).toContain('digest: sha256:');
    expect(lock).not.toContain('walked');
    for (const store of ['store', 'empty']) {
      const [outcome] = await pushModels(await run('hf://org/hostile', { store }));
      expect(outcome?.error?.message).toMatch(message);
    }
  });

  it('is refused by what the store knows, without reading it again, also by a dry run', async () => {
    await pushModels(await run('hf://org/hostile', { unsafeFiles: 'warn' }));
    await lockModels(await run('hf://org/hostile'));
    const before = reads();
    const [outcome] = await pushModels(await run('hf://org/hostile'));
    expect(outcome?.error?.message).toMatch(message);
    const dry = await run('hf://org/hostile', { dryRun: true });
    expect((await pushModels(dry))[0]?.error?.message).toMatch(message);
    expect((await buildModels({ ...dry, output: join(folder, 'out') }))[0]?.error?.message).toMatch(message);
    expect(reads()).toBe(before);
  });
});

describe('an unchanged push', () => {
  it('of another machine reads nothing when lock --layers recorded the walk', async () => {
    await lockModels({ ...(await run('hf://org/harmless')), layers: true });
    expect(await readFile(join(folder, 'models.lock.yaml'), 'utf8')).toContain('walked: 1');
    expect((await pushModels(await run('hf://org/harmless')))[0]?.status).toBe('done');
    const before = reads();
    const [outcome] = await pushModels(await run('hf://org/harmless', { store: 'empty' }));
    expect(outcome?.status).toBe('unchanged');
    expect(reads()).toBe(before);
  });

  it.each([
    ['hf://org/harmless', 'sklearn', 'reads a pickle once', true],
    ['hf://org/weights', 'gguf', 'never reads weights that run no code', false],
  ])('of a lock without it, from %s by %s, %s', async (source, framework, _, isRead) => {
    const first = await run(source, { framework });
    await lockModels({ ...first, layers: true });
    expect((await pushModels(first))[0]?.status).toBe('done');
    const lock = join(folder, 'models.lock.yaml');
    await writeFile(lock, (await readFile(lock, 'utf8')).replaceAll(/ *walked: 1\n/g, ''));
    for (const isFirst of [true, false]) {
      const before = reads();
      const [outcome] = await pushModels(await run(source, { framework, store: 'empty' }));
      expect(outcome?.status).toBe('unchanged');
      expect(reads() > before).toBe(isRead && isFirst);
    }
  });
});

it('a local file that can run code is reported', async () => {
  await writeFile(join(folder, 'model.joblib'), hostile);
  const local = await run('file:model.joblib');
  expect((await pushModels(local))[0]?.status).toBe('done');
  expect(local.printed()).toContain('check one: model.joblib imports os.system');
  const [refused] = await pushModels(await run('file:model.joblib', { unsafeFiles: 'refuse' }));
  expect(refused?.error?.code).toBe('trust');
});

describe('verify', () => {
  it.each(['none', 'gzip', 'zstd'])(
    'refuses an image with such a file, of another builder: %s',
    async (compression) => {
      const from = { layout: join(folder, 'out') };
      const more = { compression, unsafeFiles: 'allow' as const };
      const allowed = await run('hf://org/hostile', more);
      expect((await buildModels({ ...allowed, output: from.layout }))[0]?.status).toBe('done');
      const [refused] = await verifyModels({ ...(await run('hf://org/hostile', { compression })), from });
      expect(refused?.error?.message).toMatch(message);
      const [passed] = await verifyModels({ ...(await run('hf://org/hostile', more)), from });
      expect(passed?.status).toBe('done');
      expect(passed?.checks?.map(({ rule }) => rule)).not.toContain('unsafe files');
    },
  );

  it('reports a local file, once for build and verify', async () => {
    await writeFile(join(folder, 'model.joblib'), hostile);
    const local = await run('file:model.joblib');
    const [built] = await buildModels({ ...local, output: join(folder, 'out'), verify: true });
    expect(built?.checks).toContainEqual({
      rule: 'unsafe files',
      text: '1 file checked for code that runs when a server loads them',
    });
    expect(local.printed().split('imports os.system')).toHaveLength(2);
  });
});
