/** The npm package as a user gets it: packed, installed in a folder of its own, without this repository. */
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars as fromSources, root } from '../parts/cli.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { type Result, run, tryRun } from '../parts/run.ts';

/** A user's repository: models only, `"type": "commonjs"` as `npm init` writes it. */
let home: string;
let packed: { filename: string; size: number; files: { path: string }[] };

const catalog = `defaults: {base: embedded}
models:
  - {name: iris, framework: lightgbm, source: "file:model.bst", version: v1.2.3}
`;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'modelcars-package-'));
  await run('npm', ['run', 'build'], { cwd: root });
  const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', home];
  [packed] = JSON.parse(await run('npm', pack, { cwd: root }));
  await writeFile(join(home, 'package.json'), '{ "type": "commonjs" }\n');
  await writeFile(join(home, 'models.yaml'), catalog);
  await copyFile(join(root, 'frameworks/lightgbm/model.bst'), join(home, 'model.bst'));
  // Offline: the package needs no other.
  await run('npm', ['install', '--offline', join(home, packed.filename)], { cwd: home });
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** In CI, a run without a lock would be frozen, and fail. */
const outsideCi = { CI: undefined };
const installed = (...words: string[]): Promise<Result> =>
  tryRun(join(home, 'node_modules/.bin/modelcars'), words, { cwd: home, env: outsideCi });
const node = (...words: string[]): Promise<Result> => tryRun(process.execPath, words, { cwd: home });

describe('the package', () => {
  test('has at most 10 MB, no tests, no packages to install, and the licences of those it contains', async () => {
    expect(packed.size).toBeLessThan(10_000_000);
    const paths = packed.files.map(({ path }) => path);
    expect(
      paths.filter((path) => /\.test\.ts$|^(?:tests|bench|examples)\/|^scripts\/.*\.ts$/.test(path)),
    ).toEqual([]);
    const manifest = JSON.parse(await readFile(join(home, 'node_modules/modelcars/package.json'), 'utf8'));
    expect(manifest.dependencies).toBeUndefined();
    const licences = await readFile(
      join(home, 'node_modules/modelcars/dist/third-party-licenses.txt'),
      'utf8',
    );
    for (const name of ['undici', 'zod', 'yargs', '@aws-sdk/client-s3', '@kubernetes/client-node'])
      expect(licences).toContain(`Name: ${name}\n`);
  });

  test('builds the image that the sources build, and verifies it', async () => {
    const built = await installed('build', '--verify', '--json');
    expect(built, built.stderr).toMatchObject({ code: 0 });
    const [image] = JSON.parse(built.stdout).models;
    const [expected] = JSON.parse(
      await fromSources(['build', '-o', 'again', '--json'], { cwd: home }),
    ).models;
    expect(image).toMatchObject({ status: 'done', digest: expected.digest });
    expect(image.checks.length).toBeGreaterThan(20);
  });

  test('hashes in threads on a machine of many cores', async () => {
    const folder = join(home, 'large');
    await mkdir(folder);
    await writeFile(join(folder, 'models.yaml'), catalog);
    await copyFile(join(root, 'frameworks/lightgbm/model.bst'), join(folder, 'model.bst'));
    await truncate(join(folder, 'model.bst'), 70_000_000);
    const built = await tryRun(join(home, 'node_modules/.bin/modelcars'), ['build', '--verify'], {
      cwd: folder,
      env: { ...outsideCi, NODE_OPTIONS: `--import=${join(root, 'tests/support/many-cores.ts')}` },
    });
    expect(built, built.stderr).toMatchObject({ code: 0, stderr: expect.stringContaining('thread: hash') });
  });

  test('pushes to a registry, and prints the manifest', async () => {
    const registry: Registry = await startRegistry({ kind: 'docker-registry' });
    try {
      const pushed = await installed('push', '--registry', `${registry.host}/me`);
      expect(pushed, pushed.stderr).toMatchObject({ code: 0 });
      const manifest = await installed('manifest', '--registry', `${registry.host}/me`);
      expect(manifest.stdout).toMatch(
        new RegExp(`storageUri: oci://${registry.host}/me/iris@sha256:[0-9a-f]{64}`),
      );
    } finally {
      await registry.stop();
    }
  });

  test('starts a repository, adds a model, and finds the machine healthy', async () => {
    const folder = join(home, 'start');
    await mkdir(folder);
    await copyFile(join(root, 'frameworks/xgboost/model.bst'), join(folder, 'fraud.bst'));
    const start = (...words: string[]): Promise<Result> =>
      tryRun(join(home, 'node_modules/.bin/modelcars'), words, { cwd: folder, env: outsideCi });
    expect(await start('init', '--base', 'embedded', '--ci', 'github')).toMatchObject({ code: 0 });
    const workflow = await readFile(join(folder, '.github/workflows/models.yml'), 'utf8');
    expect(workflow).toBe(await readFile(join(root, 'ci/github/node.yml'), 'utf8'));
    const added = await start('add', './fraud.bst');
    expect(added, added.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^fraud: xgboost, /),
    });
    const built = await start('build', '--frozen', '--verify');
    expect(built, built.stderr).toMatchObject({ code: 0 });
    const { checks } = JSON.parse((await start('doctor', '--offline', '--json')).stdout);
    const failed = checks.filter(({ status }: { status: string }) => status === 'fail');
    expect(failed).toEqual([]);
  });

  test('runs a framework of the user, in TypeScript, that imports modelcars/framework', async () => {
    await mkdir(join(home, 'frameworks/own'), { recursive: true });
    await writeFile(
      join(home, 'frameworks/own/framework.ts'),
      `import { defineFramework, type SmokeTest } from 'modelcars/framework';
const smoke: SmokeTest = { path: '/x', body: {}, expect: { output: 'predict', classes: [1], read: 'scores' } };
export default defineFramework({ name: 'own', modelFormat: { name: 'lightgbm' }, runtime: 'kserve-mlserver',
  protocolVersion: 'v2', include: ['*.bst'], exclude: [], requires: [], smoke });
`,
    );
    await writeFile(join(home, 'own.yaml'), catalog.replace('lightgbm', 'own'));
    const listed = await installed('list', '-f', 'own.yaml', '--json');
    expect(listed, listed.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(listed.stdout).models).toMatchObject([{ framework: 'own' }]);
    const types = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--types',
      '',
      'frameworks/own/framework.ts',
    ];
    const checked = await tryRun(join(root, 'node_modules/.bin/tsc'), types, { cwd: home });
    expect(checked.stdout).toBe('');
    await writeFile(
      join(home, 'wrong.ts'),
      `import { defineFramework } from 'modelcars/framework';\ndefineFramework({ nam: 'x' });\n`,
    );
    const wrong = await tryRun(join(root, 'node_modules/.bin/tsc'), [...types.slice(0, -1), 'wrong.ts'], {
      cwd: home,
    });
    expect(wrong.stdout).toMatch(/'nam' does not exist in type 'Framework'/);
  });

  test('is a library with types', async () => {
    const script = `import { buildModels, loadCatalog, lockModels, ModelcarsError, verifyImages } from 'modelcars';
const catalog = await loadCatalog('models.yaml');
const { change } = await lockModels({ catalog, dryRun: true, upgrade: true });
const built = await buildModels({ catalog, output: 'library', frozen: false });
const verified = await verifyImages({ catalog, from: { layout: 'library' }, frozen: false });
const failure: unknown = await loadCatalog('none.yaml').catch((error: unknown) => error);
console.log(JSON.stringify({ change, built: built.map(({ status }) => status), verified: verified.map(({ status }) => status),
  code: failure instanceof ModelcarsError ? failure.code : undefined }));
`;
    await writeFile(join(home, 'library.mts'), script);
    const ran = await node('library.mts');
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toEqual({
      change: 'created',
      built: ['done'],
      verified: ['done'],
      code: 'catalog',
    });
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--typeRoots',
      join(root, 'node_modules/@types'),
      '--types',
      'node',
      'library.mts',
    ];
    const checked = await tryRun(join(root, 'node_modules/.bin/tsc'), options, { cwd: home });
    expect(checked.stdout).toBe('');
  });

  test('says in one sentence that Node is too old', async () => {
    const preload = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.11.1'})`;
    const script = join(home, 'node_modules/modelcars/dist/modelcars.js');
    const old = await node('--import', preload, script, 'version');
    expect(old).toMatchObject({ code: 1, stdout: '' });
    expect(old.stderr).toMatch(
      /^error: modelcars needs Node 24 or newer; this is Node 20\.11\.1\nnext: .+\n$/,
    );
    // Imported statically, anything newer would fail before the check; see also `engines`.
    const entry = await readFile(script, 'utf8');
    expect(entry).not.toMatch(/^import |\?\.|\?\?|await/m);
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(manifest.engines.node).toBe(`>=${/const oldest = (\d+);/.exec(entry)?.[1]}`);
  });
});
