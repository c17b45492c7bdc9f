import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loaderFiles } from './files.ts';
import { productionPackages } from './packages.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'modelcars-loader-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const put = async (path: string, content: string): Promise<void> => {
  await mkdir(join(root, path, '..'), { recursive: true });
  await writeFile(join(root, path), content);
};
const lock = (packages: Record<string, object>): Promise<void> =>
  put('package-lock.json', JSON.stringify({ lockfileVersion: 3, packages: { '': {}, ...packages } }));
const install = (folder: string, version: string): Promise<void> =>
  put(`${folder}/package.json`, JSON.stringify({ version }));

describe('productionPackages', () => {
  it('are those needed at run time: no development or optional ones', async () => {
    await lock({
      'node_modules/b': { version: '1.0.0' },
      'node_modules/@a/a': { version: '2.0.0' },
      'node_modules/b/node_modules/c': { version: '3.0.0' },
      'node_modules/test': { version: '1.0.0', dev: true },
      'node_modules/fast': { version: '1.0.0', optional: true, os: ['darwin'] },
      'node_modules/both': { version: '1.0.0', devOptional: true },
    });
    await install('node_modules/b', '1.0.0');
    await install('node_modules/@a/a', '2.0.0');
    await install('node_modules/b/node_modules/c', '3.0.0');
    expect(await productionPackages(root)).toEqual([
      'node_modules/@a/a',
      'node_modules/b',
      'node_modules/b/node_modules/c',
    ]);
  });

  it('must be installed, in the locked version', async () => {
    await lock({ 'node_modules/a': { version: '1.0.0' } });
    await expect(productionPackages(root)).rejects.toThrow(
      /node_modules\/a: it is not installed, the lock has 1\.0\.0/,
    );
    await install('node_modules/a', '1.0.1');
    await expect(productionPackages(root)).rejects.toMatchObject({
      message: expect.stringContaining('version 1.0.1 is installed'),
      next: expect.stringContaining('npm ci'),
    });
  });

  it.each([{ os: ['linux'] }, { cpu: ['x64'] }, { hasInstallScript: true }, { link: true }])(
    'must be the same everywhere: not %j',
    async (more) => {
      await lock({ 'node_modules/a': { version: '1.0.0', ...more } });
      await install('node_modules/a', '1.0.0');
      await expect(productionPackages(root)).rejects.toThrow(/not the same on every platform/);
    },
  );
});

describe('loaderFiles', () => {
  it('are the files needed at run time, each once, sorted; a nested package is not part of its parent', async () => {
    await lock({
      'node_modules/b': { version: '1.0.0' },
      'node_modules/b/node_modules/c': { version: '3.0.0' },
    });
    await install('node_modules/b', '1.0.0');
    await install('node_modules/b/node_modules/c', '3.0.0');
    await install('node_modules/b/node_modules/not-locked', '9.0.0');
    for (const path of ['index.js', 'index.d.ts', 'index.js.map', 'x.bare', 'LICENSE'])
      await put(`node_modules/b/${path}`, path);
    for (const path of ['modelcars.ts', 'a/b.ts', 'a/b.test.ts', 'notes.md'])
      await put(`scripts/${path}`, path);
    await put('frameworks/sklearn/framework.ts', 'x');
    await put('frameworks/sklearn/model.joblib', 'x');
    await put('package.json', '{}');
    await put('README.md', 'x');
    const { files, revision } = await loaderFiles(undefined, root);
    expect(files.map(({ path }) => path)).toEqual([
      'frameworks/sklearn/framework.ts',
      'node_modules/b/LICENSE',
      'node_modules/b/index.js',
      'node_modules/b/node_modules/c/package.json',
      'node_modules/b/package.json',
      'package.json',
      'scripts/a/b.ts',
      'scripts/modelcars.ts',
    ]);
    expect((await loaderFiles(undefined, root)).revision).toBe(revision);
    await put('scripts/modelcars.ts', 'changed');
    expect((await loaderFiles(undefined, root)).revision).not.toBe(revision);
    await put('node_modules/b/build/b.node', 'x');
    await expect(loaderFiles(undefined, root)).rejects.toThrow(/b\.node is built for one platform/);
  });
});
