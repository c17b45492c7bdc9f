/**
 * The module on a real engine: needs the `dagger` CLI, an engine that it reaches (docs:
 * _EXPERIMENTAL_DAGGER_RUNNER_HOST) and, where Docker Hub is out of reach, an image with Node in
 * MODELCARS_DAGGER_NODE_IMAGE. Counted as skipped without them.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars } from '../support/run-program.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const image = process.env.MODELCARS_DAGGER_NODE_IMAGE;
const reached = await run('dagger', ['core', 'version'], { timeout: 120_000 }).then(
  () => true,
  () => false,
);

interface Said {
  stdout: string;
  stderr: string;
  code: number;
}

/** `dagger call` of the module in this repository, from another folder. */
async function call(cwd: string, ...words: string[]): Promise<Said> {
  const own = image ? ['--node-image', image] : [];
  const argv = ['call', '--progress', 'plain', '-m', root, ...own, ...words];
  return await run('dagger', argv, { cwd, timeout: 580_000, maxBuffer: 64 * 1024 ** 2 }).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    ({ stdout = '', stderr = '', code = 1 }) => ({ stdout, stderr, code }),
  );
}

describe.skipIf(!reached)('on a real engine', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-engine-'));
    await cp(join(root, 'frameworks/sklearn/model.joblib'), join(folder, 'iris/model.joblib'));
    await cp(join(root, 'frameworks/xgboost/model.bst'), join(folder, 'wine/model.bst'));
    const models = [
      '  - { name: iris, framework: sklearn, source: "file:iris" }',
      '  - { name: wine, framework: xgboost, source: "file:wine", title: Wine }',
    ];
    const head = 'version: v1.0.0\ndefaults: { base: embedded }\nmodels:\n';
    await writeFile(join(folder, 'models.yaml'), `${head}${models.join('\n')}\n`);
    expect((await modelcars(['lock'], { cwd: folder })).code).toBe(0);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const indexOf = async (path: string) =>
    JSON.parse(await readFile(join(folder, path, 'index.json'), 'utf8'));

  test("another repository's catalog becomes the images that plain Node makes of it", async () => {
    expect((await modelcars(['build', '--output', 'plain'], { cwd: folder })).code).toBe(0);
    const { code, stderr } = await call(folder, 'build-all', '--source', '.', 'export', '--path', 'out');
    expect(code, stderr).toBe(0);
    expect(await indexOf('out')).toEqual(await indexOf('plain'));
    expect(await readFile(join(folder, 'out/summary.txt'), 'utf8')).toMatch(/^iris:v1\.0\.0 +sha256:/m);
    expect((await modelcars(['verify', '--layout', 'out'], { cwd: folder })).code).toBe(0);
  });

  test('functions of a chain hand their settings on', async () => {
    const flags = ['--compression', 'gzip', '--platform', 'linux/arm64'];
    expect(
      (await modelcars(['build', 'iris', ...flags, '--output', 'plain-gzip'], { cwd: folder })).code,
    ).toBe(0);
    const overrides = ['with-overrides', '--compression', 'gzip', '--platforms', 'linux/arm64'];
    const built = ['build-all', '--source', '.', '--models', 'iris', 'export', '--path', 'out-gzip'];
    const { code, stderr } = await call(folder, ...overrides, ...built);
    expect(code, stderr).toBe(0);
    expect(await indexOf('out-gzip')).toEqual(await indexOf('plain-gzip'));
    // Settings, secret and registry in one object, whose container queries a registry that does not respond.
    const registry = [
      'registry',
      '--address',
      '127.0.0.1:1/me',
      '--username',
      'me',
      '--password',
      'env:PATH',
    ];
    const pushed = await call(folder, ...overrides, ...registry, 'push', '--source', '.', '--dry-run');
    expect(pushed.code).not.toBe(0);
    expect(pushed.stderr).toMatch(/^Error: .*127\.0\.0\.1:1/m);
  });

  test('of two models the changed one is built, and no other', async () => {
    const path = join(folder, 'models.yaml');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('title: Wine', 'title: Wines'));
    const { code, stderr } = await call(folder, 'build-all', '--source', '.', 'export', '--path', 'out2');
    expect(code, stderr).toBe(0);
    // Cached steps start and end, too, but only a run prints its lines (`wine: started`).
    expect(stderr).toContain('wine: started');
    expect(stderr).not.toContain('iris: started');
  });

  test("a wrong name ends with the program's error", async () => {
    const { code, stderr } = await call(folder, 'build', '--source', '.', '--model', 'iriss');
    expect(code).not.toBe(0);
    expect(stderr).toMatch(
      /^Error: select models: no model `iriss` in the catalog; did you mean `iris`\?\nnext: /m,
    );
  });
});
