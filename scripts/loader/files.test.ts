import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Folder } from '../../tests/support/catalog-folder.ts';
import { loaderFiles } from './files.ts';

const paths = [
  'LICENSE',
  'base/layout/index.json',
  'ci/github/node.yml',
  'dist/bin/modelcars',
  'dist/frameworks/sklearn/framework.js',
  'dist/index.d.ts',
  'dist/modelcars.js',
  'models.schema.json',
  'package.json',
  'scripts/kserve/local/server/mlserver-catboost.requirements.txt',
  'scripts/kserve/local/server/mlserver.requirements.txt',
];
const others = [
  'README.md',
  'scripts/modelcars.ts',
  'frameworks/sklearn/framework.ts',
  'scripts/new.test.ts',
];

it('are the files that the program reads at run time, sorted; the revision is of their contents', async () => {
  await using folder = await Folder.make();
  for (const path of [...others, ...paths]) await folder.write({ [path]: path });
  const { files, revision } = await loaderFiles(undefined, folder.path);
  expect(files.map(({ path }) => path)).toEqual(paths.filter((path) => !path.endsWith('.d.ts')));
  expect((await loaderFiles(undefined, folder.path)).revision).toBe(revision);
  await folder.write({ 'dist/modelcars.js': 'changed' });
  expect((await loaderFiles(undefined, folder.path)).revision).not.toBe(revision);
});

it('fail in a checkout that was not built, or not since its last change', async () => {
  await using folder = await Folder.make();
  for (const path of others) await folder.write({ [path]: path });
  const next = 'run `npm run build` in the checkout of modelcars';
  await expect(loaderFiles(undefined, folder.path)).rejects.toMatchObject({
    code: 'source',
    message: 'plan the image of modelcars: dist/ is missing',
    next,
  });
  for (const path of paths) await folder.write({ [path]: path });
  const later = new Date(Date.now() + 60_000);
  await utimes(join(folder.path, 'scripts/new.test.ts'), later, later);
  await loaderFiles(undefined, folder.path);
  await utimes(join(folder.path, 'scripts/modelcars.ts'), later, later);
  await expect(loaderFiles(undefined, folder.path)).rejects.toMatchObject({
    message: 'plan the image of modelcars: dist/ is older than scripts/modelcars.ts',
    next,
  });
});
