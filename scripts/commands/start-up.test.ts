import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { modelcarsInside } from '../../tests/support/run-inside.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-start-'));
  await copyFile(join(root, 'frameworks/sklearn/model.joblib'), join(folder, 'model.joblib'));
  const entry = '  - {name: iris, framework: sklearn, source: "file:model.joblib"}\n';
  await writeFile(join(folder, 'models.yaml'), `# ours\ndefaults: {base: embedded}\nmodels:\n${entry}`);
  const env = { MODELCARS_STORE: join(folder, 'store') };
  expect(await modelcarsInside(['lock'], { cwd: folder, env })).toMatchObject({ code: 0 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The files and built-in modules that a run loads, with paths from the root. */
async function loads(...words: string[]): Promise<string[]> {
  const record = join(folder, 'loads');
  const preload = ['--import', join(root, 'tests/support/record-loads.ts')];
  const env = { ...process.env, CI: '', MODELCARS_STORE: join(folder, 'store'), RECORD_LOADS: record };
  const args = [...preload, join(root, 'scripts/modelcars.ts'), ...words];
  await promisify(execFile)(process.execPath, args, { cwd: folder, env });
  return (await readFile(record, 'utf8')).replaceAll(pathToFileURL(root).href, '').split('\n');
}

it('`version` loads no command and no package', async () => {
  const loaded = (await loads('version')).filter((name) => !name.startsWith('node:'));
  expect(loaded).toEqual([
    'scripts/modelcars.ts',
    'scripts/main.ts',
    'scripts/commands/program-version.ts',
    'scripts/package.ts',
  ]);
});

it('`list` of a valid catalog that is locked loads only what it needs', async () => {
  const loaded = await loads('list');
  const needless = [
    // The clients of registries, hubs and buckets.
    /^scripts\/(?:http|cache)\//,
    /^scripts\/registry\/(?:client|repository|auth|transfer)/,
    /^node:(?:https?|http2|tls|dns|child_process|zlib)$/,
    // Reading images, and completeness of models that are not locked yet.
    /^scripts\/(?:verify|formats)\/(?!programs)/,
    // YAML with positions, the bars of a terminal, locks of layouts: packages with many files.
    /^node_modules\/(?:yaml|cli-progress|proper-lockfile|undici|@[\w-]+)\//,
    // Frameworks that no model of the catalog has.
    /^frameworks\/(?!sklearn\/)\w+\//,
  ];
  expect(loaded.filter((name) => needless.some((one) => one.test(name)))).toEqual([]);
  expect(loaded).toEqual(
    expect.arrayContaining(['scripts/pipeline/list.ts', 'frameworks/sklearn/framework.ts']),
  );
});
