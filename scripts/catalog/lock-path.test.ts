import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { displayPath } from '../text/paths.ts';
import { loadCatalog } from './load.ts';
import { checkOwnLock, formerLock, lockCommand, lockFileOf } from './lock-path.ts';
import { formatLock } from './write-lock.ts';

const catalog = stringify({ models: [{ name: 'iris', framework: 'testing', source: 'file:m' }] });
const lockWith = (name: string) =>
  formatLock({
    lockVersion: 1,
    bases: {},
    models: {
      [name]: { framework: 'testing', source: 'file:m', revision: 'r', include: [], exclude: [], files: [] },
    },
  });

it.each([
  ['/c/models.yaml', '/c/models.lock.yaml'],
  ['/c/models.yml', '/c/models.lock.yaml'],
  ['/c/dev.yaml', '/c/dev.lock.yaml'],
  ['/c/dev.yml', '/c/dev.lock.yaml'],
  ['/c/dev.v2.yaml', '/c/dev.v2.lock.yaml'],
  ['/c/catalog', '/c/catalog.lock.yaml'],
  ['/c.yaml/models.YAML', '/c.yaml/models.lock.yaml'],
])('the lock of %s is %s', (file, lock) => {
  expect(lockFileOf(file)).toBe(lock);
});

it('names the command that writes it', () => {
  expect(lockCommand({ file: `${process.cwd()}/models.yaml` })).toBe('modelcars lock');
  expect(lockCommand({ file: `${process.cwd()}/dev.yaml` })).toBe('modelcars lock -f dev.yaml');
  expect(lockCommand({ file: `${process.cwd()}/a/models.yaml` })).toBe('modelcars lock -f a/models.yaml');
  expect(lockCommand({ file: `${process.cwd()}/dev.yaml` }, ['--upgrade', 'iris'])).toBe(
    'modelcars lock --upgrade iris -f dev.yaml',
  );
  expect(lockCommand({ file: `${process.cwd()}/my 'x'.yaml` })).toBe(
    `modelcars lock -f 'my '\\''x'\\''.yaml'`,
  );
});

it('warns about models.lock.yaml when a catalog with another name has no lock', async () => {
  await using folder = await Folder.make({ 'dev.yaml': catalog, 'models.lock.yaml': lockWith('iris') });
  const at = (name: string) => displayPath(`${folder.path}/${name}`);
  const dev = await loadCatalog(`${folder.path}/dev.yaml`);
  const advice = await formerLock(dev);
  expect(advice).toContain(`${at('models.lock.yaml')} is not read for ${at('dev.yaml')}`);
  expect(advice).toContain(`\`mv ${at('models.lock.yaml')} ${at('dev.lock.yaml')}\``);
  // models.yaml may need it, too.
  await folder.write({ 'models.yaml': catalog });
  expect(await formerLock(dev)).toContain(`\`cp ${at('models.lock.yaml')} `);
  expect(await formerLock(await loadCatalog(`${folder.path}/models.yaml`))).toBeUndefined();
  await folder.write({ 'dev.lock.yaml': lockWith('iris') });
  expect(await formerLock(dev)).toBeUndefined();
});

it.each([
  ['pins other models', lockWith('rose')],
  ['cannot be read', 'lockVersion: ['],
])('does not warn about a models.lock.yaml that %s', async (_, text) => {
  await using folder = await Folder.make({ 'dev.yaml': catalog, 'models.lock.yaml': text });
  expect(await formerLock(await loadCatalog(`${folder.path}/dev.yaml`))).toBeUndefined();
});

it('rejects two catalogs with the same lock', async () => {
  await using folder = await Folder.make({ 'dev.yaml': catalog });
  const at = (name: string) => displayPath(`${folder.path}/${name}`);
  const dev = await loadCatalog(`${folder.path}/dev.yaml`);
  await checkOwnLock(dev);
  await folder.write({ 'dev.yml': catalog, 'dev/x': '' });
  const error = await failure(checkOwnLock(dev));
  expect(error).toMatchObject({ code: 'catalog', exitCode: 2, next: 'rename one of them' });
  expect(error.message).toBe(
    `lock ${at('dev.yaml')}: ${at('dev.yml')} beside it has the same lock, ${at('dev.lock.yaml')}`,
  );
});
