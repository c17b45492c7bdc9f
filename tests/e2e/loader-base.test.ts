/** A loader's base must have Node: lock and verify fail before a cluster does. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pushBase, pushLayers } from '../parts/bases.ts';
import { makeCatalog, modelcars, tryModelcars } from '../parts/cli.ts';
import { missingParts } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';

const next = 'next: give the loader a base with Node 24, such as docker.io/library/node:24-slim';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-loader-base-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes a catalog with a loader on this base; returns its path. */
async function loaderOn(base: string): Promise<string> {
  const file = join(folder, 'loader.yaml');
  await writeFile(
    file,
    `models:\n  - {name: loader, image: loader, base: "${base}", platforms: [linux/amd64]}\n`,
  );
  await rm(join(folder, 'loader.lock.yaml'), { force: true });
  return file;
}

test('the embedded base has none', async () => {
  const { code, stderr } = await tryModelcars(['lock', '-f', await loaderOn('embedded')], { cwd: folder });
  expect(code).toBe(1);
  expect(stderr).toContain(
    'lock loader: base embedded (linux/amd64) has no `node` that any user can run on /',
  );
  expect(stderr).toContain(next);
});

test('verify refuses a base without Node that is already locked', async () => {
  await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files: { 'model.joblib': 'x' } }]);
  await modelcars(['build', '--base', 'embedded'], { cwd: folder });
  const file = await loaderOn('embedded');
  await writeFile(
    join(folder, 'loader.lock.yaml'),
    (await readFile(join(folder, 'models.lock.yaml'), 'utf8')).replace(/^models:[\s\S]*/m, 'models: {}\n'),
  );
  const { code, stderr } = await tryModelcars(['verify', '-f', file], { cwd: folder });
  expect(code).toBe(1);
  expect(stderr).toContain('verify loader: base embedded (linux/amd64) has no `node`');
  expect(stderr).toContain(next);
});

const missing = await missingParts('docker-registry');
describe.skipIf(missing)('a base of a registry', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await startRegistry({ kind: 'docker-registry' });
  });
  afterAll(() => registry?.stop());

  test('without Node is refused, with Node behind a link it is locked', async () => {
    const { reference } = await pushBase(registry.host, 'bases/shell', 'x');
    const refused = await tryModelcars(['lock', '-f', await loaderOn(reference)], { cwd: folder });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`lock loader: base ${reference} (linux/amd64) has no \`node\``);

    const tree = join(folder, 'tree');
    await mkdir(join(tree, 'opt/node/bin'), { recursive: true });
    await mkdir(join(tree, 'usr/bin'), { recursive: true });
    await writeFile(join(tree, 'opt/node/bin/node'), 'x');
    await chmod(join(tree, 'opt/node/bin/node'), 0o755);
    await symlink('/opt/node/bin/node', join(tree, 'usr/bin/node'));
    execFileSync('tar', ['--create', '--file', join(folder, 'node.tar'), '--directory', tree, 'opt', 'usr']);
    const node = await pushLayers(registry.host, 'bases/node', [join(folder, 'node.tar')], {});
    await modelcars(['lock', '-f', await loaderOn(node)], { cwd: folder });
  });
});
