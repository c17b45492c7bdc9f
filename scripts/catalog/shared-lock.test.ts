import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { displayPath } from '../text/paths.ts';
import { loadCatalog } from './load.ts';
import { findOtherCatalogs } from './shared-lock.ts';

const catalog = (...names: string[]) =>
  stringify({ models: names.map((name) => ({ name, framework: 'testing', source: 'file:m' })) });

it('finds the catalogs beside a catalog that have its leaving models', async () => {
  await using folder = await Folder.make({
    'models.yaml': catalog('iris'),
    'dev.yaml': catalog('rose', 'wine'),
    'dev.lock.yaml': '',
    'test.yml': catalog('rose'),
    'test.lock.yaml': '',
    'values.yaml': 'models: {rose: 1}\n',
    'broken.yaml': '{',
    'other.lock.yaml': catalog('rose'),
    'frameworks/x/rose.yaml': catalog('rose'),
  });
  const models = await loadCatalog(`${folder.path}/models.yaml`);
  expect(await findOtherCatalogs(models, ['rose', 'lily'])).toEqual(
    new Map([['rose', `${folder.path}/dev.yaml`]]),
  );
  expect(await findOtherCatalogs(models, [])).toEqual(new Map());
});

it('fails before pins of a shared lock are lost, but not for the lock of another catalog', async () => {
  await using folder = await Folder.make({
    'models.yaml': catalog('iris'),
    'dev.yaml': catalog('rose', 'wine'),
  });
  const at = (name: string) => displayPath(`${folder.path}/${name}`);
  const error = await failure(
    findOtherCatalogs(await loadCatalog(`${folder.path}/models.yaml`), ['rose', 'wine', 'lily']),
  );
  expect(error).toMatchObject({ code: 'lock', exitCode: 1 });
  expect(error.message).toBe(
    `lock ${at('models.yaml')}: ${at('models.lock.yaml')} also pins rose and wine of ${at('dev.yaml')}, which has no lock of its own`,
  );
  expect(error.next).toContain(`\`cp ${at('models.lock.yaml')} ${at('dev.lock.yaml')}\``);
  expect(await findOtherCatalogs(await loadCatalog(`${folder.path}/dev.yaml`), ['iris'])).toEqual(
    new Map([['iris', `${folder.path}/models.yaml`]]),
  );
});
