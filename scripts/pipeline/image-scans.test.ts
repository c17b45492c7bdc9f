import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Programs } from '../../tests/support/fake-programs.ts';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { failure } from '../../tests/support/outcome.ts';
import { addGrype, finding, grypeReport } from '../../tests/support/scanners.ts';
import { loadCatalog } from '../catalog/load.ts';
import { createProgress } from '../terminal/progress.ts';
import { buildModels } from './build.ts';
import { lockModels } from './lock.ts';
import { pushModels } from './push.ts';
import { pushVerified } from './push-verified.ts';
import { scanModels } from './scan.ts';
import type { RunOptions } from './types.ts';

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let programs: Programs;
let registry: FakeRegistry;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-scans-'));
  programs = await Programs.open();
  registry = await startFake();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await programs[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const hole = finding({ fixedIn: '0.46.0' });

/** Two models of one base with two platforms, locked. */
async function options(): Promise<RunOptions & Required<Pick<RunOptions, 'scan'>>> {
  const names = ['one', 'two'];
  for (const name of names) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'model.joblib'), `a model called ${name}`);
  }
  const models = names.map((name) => `  - {name: ${name}, framework: sklearn, source: "file:${name}"}`);
  const file = join(folder, 'models.yaml');
  const defaults = 'defaults: {base: embedded, platforms: [linux/amd64, linux/arm64]}';
  await writeFile(file, `version: v1.0.0\n${defaults}\nmodels:\n${models.join('\n')}\n`);
  const catalog = await loadCatalog(file, { registry: `${registry.host}/me` });
  const run = {
    catalog,
    models: catalog.models,
    frozen: false,
    dryRun: false,
    store: join(folder, 'store'),
    registry: {},
    signal: new AbortController().signal,
    progress: await createProgress({ stream: process.stderr, enabled: false, interactive: false }),
    scan: { failOn: 'high', maxDatabaseAge: 5 } as const,
  };
  await lockModels(run);
  return run;
}

it('scans a base once per platform, however many models have it, and leaves nothing behind', async () => {
  await addGrype(programs, grypeReport([finding({ severity: 'Medium' })]));
  const run = await options();
  const before = (await readdir(tmpdir())).filter((name) => name.startsWith('modelcars-scan-'));
  const outcomes = await scanModels(run);
  expect(await programs.calls()).toHaveLength(2);
  const [first, second] = outcomes.map(({ scan }) => scan);
  expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done']);
  expect(second).toEqual(first);
  expect(first?.scanner).toMatchObject({ name: 'grype', version: '0.121.2' });
  const { bases } = await import('../catalog/lockfile.ts').then(({ readLock }) =>
    readLock(run.catalog.lockFile).then((lock) => ({ bases: lock?.bases.embedded ?? {} })),
  );
  expect(first?.images).toEqual(
    ['linux/amd64', 'linux/arm64'].map((platform) => ({
      image: 'embedded',
      digest: bases[platform],
      platform,
      counts: { medium: 1 },
      vulnerabilities: [],
    })),
  );
  // Each scan saw a layout of the one platform's image.
  const seen = [...(await programs.read('indexes')).matchAll(/"digest": "(.+)"/g)].map(
    ([, digest]) => digest,
  );
  expect(new Set(seen)).toEqual(new Set(Object.values(bases)));
  // In the folder of models.yaml, where its ignore file is.
  expect((await programs.read('environment')).split('\n')).toContain(`PATH=${process.env.PATH}`);
  const after = (await readdir(tmpdir())).filter((name) => name.startsWith('modelcars-scan-'));
  expect(after).toEqual(before);
});

it('blocks a push before anything is sent, and says what to do', async () => {
  await addGrype(programs, grypeReport([hole, finding({ id: 'GHSA-low', severity: 'Low' })]));
  const outcomes = await pushModels(await options());
  expect(outcomes.map(({ status }) => status)).toEqual(['failed', 'failed']);
  expect(outcomes[0]?.error).toMatchObject({
    code: 'scan',
    message:
      'scan base embedded (linux/amd64): 1 vulnerability of severity high or worse\n  HIGH GHSA-aaaa-bbbb-cccc: golang.org/x/term v0.45.0, fixed in 0.46.0',
    next: 'update modelcars, which contains this base, or choose another `base:`, or let .grype.yaml beside models.yaml ignore what does no harm here',
  });
  expect(outcomes[0]?.scan?.images[0]).toMatchObject({
    counts: { high: 1, low: 1 },
    vulnerabilities: [{ id: 'GHSA-aaaa-bbbb-cccc', severity: 'high', fixedIn: '0.46.0' }],
  });
  expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
});

it('lets pass what is below the wanted severity', async () => {
  await addGrype(programs, grypeReport([hole]));
  const run = await options();
  const outcomes = await pushModels({ ...run, scan: { ...run.scan, failOn: 'critical' } });
  expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done']);
  expect(outcomes[1]?.scan?.images[0]?.counts).toEqual({ high: 1 });
});

it('blocks a build, which then has no such image', async () => {
  await addGrype(programs, grypeReport([hole]));
  const run = await options();
  const output = join(folder, 'out');
  const outcomes = await buildModels({ ...run, output });
  expect(outcomes.map(({ status }) => status)).toEqual(['failed', 'failed']);
  await addGrype(programs, grypeReport());
  expect((await buildModels({ ...run, output })).map(({ status }) => status)).toEqual(['done', 'done']);
});

it('scans once when the smoke test comes between build and push', async () => {
  await addGrype(programs, grypeReport());
  const outcomes = await pushVerified({
    ...(await options()),
    output: join(folder, 'out'),
    smoke: async (models) => new Set(models.map(({ name }) => name)),
  });
  expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done']);
  expect(outcomes[0]?.scan?.images).toHaveLength(2);
  expect(await programs.calls()).toHaveLength(2);
});

it.each<[string, string, RegExp]>([
  ['has an old database', grypeReport([], new Date('2020-01-01')), /it was built \d+ days ago, over 5/],
  ['prints nothing to read', 'no report', /read the report of grype: it printed no JSON/],
])('pushes nothing when the scanner %s', async (_, report, message) => {
  await addGrype(programs, report);
  const outcomes = await pushModels(await options());
  expect(outcomes.map(({ error }) => error?.code)).toEqual(['scan', 'scan']);
  expect(outcomes[0]?.error?.message).toMatch(message);
  expect(registry.requests.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([]);
});

it('fails at once without a scanner', async () => {
  const run = await options();
  process.env.PATH = programs.folder;
  expect(await failure(pushModels(run))).toMatchObject({ code: 'scan' });
});

it('is not run by a dry run', async () => {
  const run = await options();
  process.env.PATH = programs.folder;
  expect((await pushModels({ ...run, dryRun: true })).map(({ status }) => status)).toEqual([
    'planned',
    'planned',
  ]);
});
