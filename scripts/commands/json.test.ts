import { generateKeyPairSync } from 'node:crypto';
import { chmod, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it, vi } from 'vitest';
import type { z } from 'zod';
import { pushBase } from '../../tests/parts/bases.ts';
import { type FakeModelRegistry, startFakeModelRegistry } from '../../tests/support/fake-model-registry.ts';
import { Programs } from '../../tests/support/fake-programs.ts';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { checkDocument } from '../../tests/support/json-document.ts';
import { modelcarsInside } from '../../tests/support/run-inside.ts';
import { addGrype, finding, grypeReport } from '../../tests/support/scanners.ts';
import type { ErrorCode } from '../errors.ts';
import type { Diagnosis, SmokeResult } from '../kserve/types.ts';
import type { DiffResult } from '../pipeline/diff/diff.ts';
import type { Inspection } from '../pipeline/inspect.ts';
import type { ListedModel, LockState } from '../pipeline/list.ts';
import type { Locking } from '../pipeline/lock.ts';
import type { ModelChange } from '../pipeline/lock-changes.ts';
import type { ModelManifest } from '../pipeline/manifest.ts';
import type { Comparison } from '../pipeline/outdated.ts';
import type { Pulled } from '../pipeline/pull.ts';
import type { Outcome, TagOutcome } from '../pipeline/types.ts';
import type { Pruned } from '../store/prune.ts';
import type { Check } from '../verify/check.ts';
import { commands } from './commands.ts';
import { type DocumentName, documents, type Fields } from './output/documents/index.ts';
import type { errorSchema } from './output/documents/parts.ts';

// Each run is a separate process, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const sample = fileURLToPath(new URL('../../frameworks/sklearn/model.joblib', import.meta.url));

/** A model server that returns the expected classes of the framework sklearn. */
const server = `
const answer = { outputs: [{ name: 'predict', shape: [6], datatype: 'INT64', data: [2, 0, 1, 1, 2, 0] }] };
require('node:http').createServer((request, response) => {
  request.resume().on('end', () => response.end(JSON.stringify(answer)));
}).listen(process.env.PORT, '127.0.0.1');
`;

/** Of each command a run that succeeds and one that fails, in an order in which each finds what it needs. */
const runs: Record<DocumentName, { does: string[]; fails: string[] }> = {
  version: { does: [], fails: ['--nope'] },
  doctor: { does: ['--offline'], fails: ['--offline', '-f', 'nowhere.yaml'] },
  init: {
    does: ['-f', 'new.yaml', '--base', 'embedded'],
    fails: ['-f', 'nowhere.yaml', '--registry', 'not a registry'],
  },
  add: { does: ['-f', 'new.yaml', './iris'], fails: ['-f', 'new.yaml', './nowhere'] },
  lock: { does: [], fails: ['-f', 'broken.yaml'] },
  list: { does: [], fails: ['-f', 'nowhere.yaml'] },
  outdated: { does: [], fails: ['-f', 'nowhere.yaml'] },
  build: { does: ['--verify'], fails: ['-f', 'broken.yaml', '--frozen'] },
  verify: { does: [], fails: ['-l', 'nowhere'] },
  inspect: { does: ['iris:v1.0.0'], fails: ['iris:v9.9.9'] },
  manifest: { does: ['--registry', 'REGISTRY/me', '--with-runtime'], fails: [] },
  prefetch: { does: ['--registry', 'REGISTRY/me'], fails: [] },
  catalog: { does: ['--registry', 'quay.io/me'], fails: ['-l', 'iris/model.joblib'] },
  policy: {
    does: ['-f', 'trusted.yaml', '--kyverno', '--registry', 'quay.io/me'],
    fails: ['--kyverno', '--registry', 'quay.io/me'],
  },
  smoke: {
    does: ['--local', '--server-command', 'SERVER'],
    fails: ['--local', '--server-command', 'exit 3'],
  },
  push: { does: ['--registry', 'REGISTRY/me'], fails: [] },
  promote: {
    does: ['--from', 'REGISTRY/me', '--to', 'REGISTRY/prod'],
    fails: ['iris@v9.9.9', '--from', 'REGISTRY/me', '--to', 'REGISTRY/prod'],
  },
  register: {
    does: ['--registry', 'REGISTRY/me', '--model-registry', 'MODELS'],
    fails: ['--registry', 'REGISTRY/nobody', '--model-registry', 'MODELS'],
  },
  rebase: {
    does: [
      'iris@v1.0.0',
      '--registry',
      'REGISTRY/me',
      '--base',
      'REGISTRY/bases/shell:v1',
      '--version',
      'v1.0.1',
    ],
    fails: ['iris@v9.9.9', '--registry', 'REGISTRY/me', '--version', 'v1.0.1'],
  },
  diff: { does: ['iris:v1.0.0', ':v1.0.0'], fails: ['iris:v1.0.0', ':v9.9.9'] },
  pull: { does: ['iris:v1.0.0', '-o', 'pulled'], fails: ['iris:v9.9.9'] },
  all: {
    does: ['--registry', 'REGISTRY/all', '--local', '--server-command', 'SERVER'],
    fails: ['--registry', 'REGISTRY/all', '-l', 'other', '--local', '--server-command', 'exit 3'],
  },
  sign: {
    does: ['--registry', 'REGISTRY/me', '--key', 'signing.pem'],
    fails: ['--registry', 'REGISTRY/me', '--key', 'nowhere.pem'],
  },
  bases: { does: [], fails: ['nobody'] },
  scan: { does: [], fails: ['--fail-on', 'negligible'] },
  cache: { does: ['--bucket', 'models'], fails: ['--bucket', 'models', '--model-name', 'a'] },
  split: { does: [], fails: ['--json'] },
  clean: { does: [], fails: ['-l', 'iris'] },
  prune: { does: ['--all'], fails: ['--older-than', 'long'] },
};

let folder: string;
let registry: FakeRegistry;
let models: FakeModelRegistry;
let programs: Programs;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-json-'));
  // On a machine of root, the model server runs as another user.
  await chmod(folder, 0o755);
  registry = await startFake();
  models = await startFakeModelRegistry();
  await pushBase(registry.host, 'bases/shell', 'one');
  programs = await Programs.open();
  await addGrype(programs, grypeReport([finding({ severity: 'Low' })]));
  await mkdir(join(folder, 'iris'));
  await cp(sample, join(folder, 'iris', 'model.joblib'));
  await writeFile(join(folder, 'server.cjs'), server);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(join(folder, 'signing.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const head = 'version: v1.0.0\ndefaults: {base: embedded, platforms: [linux/amd64]}\nmodels:\n';
  const entry = (name: string) => `  - {name: ${name}, framework: sklearn, source: "file:${name}"}\n`;
  await writeFile(join(folder, 'models.yaml'), head + entry('iris'));
  await writeFile(join(folder, 'unlocked.yaml'), head + entry('iris'));
  await writeFile(join(folder, 'broken.yaml'), head + entry('nowhere'));
  const trust = 'trust: {signers: [{identity: me@example.com, issuer: "https://accounts.google.com"}]}\n';
  await writeFile(join(folder, 'trusted.yaml'), trust + head + entry('iris'));
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await models[Symbol.asyncDispose]();
  await programs[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const env = () => ({
  MODELCARS_STORE: join(folder, 'store'),
  DOCKER_CONFIG: folder,
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'nothing-secret',
  AWS_REGION: 'eu-west-1',
});

async function run(words: string[]) {
  const filled = words.map((word) =>
    word
      .replace('REGISTRY', registry.host)
      .replace('MODELS', models.url)
      .replace('SERVER', `${process.execPath} "${folder}/server.cjs"`),
  );
  return await modelcarsInside(filled, { cwd: folder, env: env() });
}

/** `split` prints JSON always. */
const json = (name: string) => (name === 'split' ? [] : ['--json']);

describe('the document of --json', () => {
  it.each(Object.entries(runs))('of %s matches its schema', async (name, { does, fails }) => {
    const done = await run([name, ...does, ...json(name)]);
    expect(JSON.parse(done.stdout), done.stdout + done.stderr).toMatchObject({
      schemaVersion: 1,
      command: name,
      ok: true,
    });
    expect(checkDocument([name, '--json'], done.stdout)).toEqual({ command: name, failed: false });
    expect(done.code).toBe(0);

    const failed = await run([name, ...fails, ...json(name)]);
    expect(failed.code).toBeGreaterThan(0);
    expect(JSON.parse(failed.stdout)).toMatchObject({ schemaVersion: 1, command: name, ok: false });
    expect(Object.keys(JSON.parse(failed.stdout)).slice(0, 3)).toEqual(['schemaVersion', 'command', 'ok']);
    expect(checkDocument([name, '--json'], failed.stdout)).toMatchObject({ command: name });
  });

  it('exists for every command that takes --json', () => {
    const printing = commands.filter(({ name, options }) => 'json' in options || name === 'split');
    expect(Object.keys(documents)).toEqual(printing.map(({ name }) => name));
  });

  it.each([
    [['build', '--nope'], 'build'],
    [['--no-progress', 'build', '--nope'], 'build'],
    [['nonsense'], 'nonsense'],
    [['--password', 'hunter2'], null],
    [[], null],
  ])('of a wrong command line names the command: %j', async (words, command) => {
    const { code, stdout } = await run([...words, '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      command,
      ok: false,
      error: { code: 'usage' },
    });
    expect(stdout).not.toContain('hunter2');
  });

  it('is ok when lock --exit-code reports a change', async () => {
    const { code, stdout } = await run(['lock', '--dry-run', '--exit-code', '-f', 'unlocked.yaml', '--json']);
    expect([code, JSON.parse(stdout).ok]).toEqual([3, true]);
  });
});

/** The keys of a type, also of an optional one; `error` of an outcome is printed as a document's error. */
type Keys<T> = keyof NonNullable<T>;

it('lists every field of the types that commands print', () => {
  type Model = Fields<'push'>['models'][number];
  type Result = Fields<'smoke'>['results'][number];
  type Change = Fields<'lock'>['changes']['models'][number];
  type Listed = Fields<'list'>['models'][number];
  expectTypeOf<Keys<Model>>().toEqualTypeOf<Keys<Outcome>>();
  expectTypeOf<NonNullable<Model['tags']>[number]>().toEqualTypeOf<TagOutcome>();
  expectTypeOf<NonNullable<Model['checks']>[number]>().toEqualTypeOf<Check>();
  expectTypeOf<z.output<typeof errorSchema>['code']>().toEqualTypeOf<ErrorCode>();
  expectTypeOf<Keys<Result>>().toEqualTypeOf<Keys<SmokeResult>>();
  expectTypeOf<NonNullable<Result['diagnosis']>>().toEqualTypeOf<Diagnosis>();
  expectTypeOf<Change>().toEqualTypeOf<ModelChange>();
  expectTypeOf<Keys<Fields<'outdated'>['models'][number]>>().toEqualTypeOf<Keys<Comparison>>();
  expectTypeOf<Fields<'lock'>['change']>().toEqualTypeOf<Locking['change']>();
  expectTypeOf<Keys<Listed>>().toEqualTypeOf<Keys<ListedModel>>();
  expectTypeOf<Listed['lock']>().toEqualTypeOf<LockState>();
  expectTypeOf<NonNullable<Listed['serving']>>().toEqualTypeOf<NonNullable<ListedModel['serving']>>();
  expectTypeOf<Omit<Fields<'inspect'>, 'ok'>>().toEqualTypeOf<Inspection>();
  expectTypeOf<Omit<Fields<'diff'>, 'ok'>>().toEqualTypeOf<DiffResult>();
  expectTypeOf<Omit<Fields<'pull'>, 'ok'>>().toEqualTypeOf<Pulled>();
  expectTypeOf<Keys<Fields<'manifest'>['models'][number]>>().toEqualTypeOf<Keys<ModelManifest>>();
  expectTypeOf<Omit<Fields<'prune'>, 'ok' | 'dryRun' | 'store'>>().toEqualTypeOf<Pruned>();
});
