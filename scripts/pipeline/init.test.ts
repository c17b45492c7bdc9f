import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { parseCatalog } from '../catalog/load.ts';
import { newCatalogText } from '../catalog/new-catalog.ts';
import { packageFile } from '../package.ts';
import { type CiSystem, ciFiles, type InitOptions, initFolder } from './init.ts';

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'modelcars-init-'));
});
afterEach(() => rm(path, { recursive: true, force: true }));

const init = (options: Partial<InitOptions> = {}) =>
  initFolder({ file: join(path, 'models.yaml'), dryRun: false, ...options });
const read = (name: string) => readFile(join(path, name), 'utf8');
const statuses = async (options?: Partial<InitOptions>) =>
  (await init(options)).files.map(({ path: file, status }) => [relative(path, resolve(file)), status]);

it('writes a catalog without models, its schema and .gitignore; a second time, nothing', async () => {
  expect(await statuses()).toEqual([
    ['models.yaml', 'created'],
    ['.gitignore', 'created'],
    ['models.schema.json', 'created'],
  ]);
  expect(await read('models.yaml')).toBe(newCatalogText({ schema: './models.schema.json' }));
  expect(await read('models.yaml')).toMatch(/^# yaml-language-server: \$schema=\.\/models\.schema\.json\n/);
  expect(await read('models.schema.json')).toBe(await readFile(packageFile('models.schema.json'), 'utf8'));
  expect(await read('.gitignore')).toBe('out/\nnode_modules/\n');
  expect(await statuses()).toEqual([
    ['models.yaml', 'kept'],
    ['.gitignore', 'kept'],
  ]);
});

it('points at the schema of an installed modelcars', async () => {
  await using folder = await Folder.make({ 'node_modules/modelcars/models.schema.json': '{}' });
  const { files } = await init({ file: join(folder.path, 'models.yaml') });
  expect(files).toHaveLength(2);
  expect(await readFile(join(folder.path, 'models.yaml'), 'utf8')).toContain(
    '$schema=./node_modules/modelcars/models.schema.json\n',
  );
});

it('writes registry and base as values, and otherwise as comments', async () => {
  const load = (text: string) => parseCatalog(join(path, 'models.yaml'), text);
  const entry = 'models:\n  - {name: a, framework: sklearn, source: file:a}\n';
  const set = newCatalogText({ registry: 'localhost:5000/me', base: 'embedded' }).replace(
    'models: []\n',
    entry,
  );
  expect((await load(set)).models).toMatchObject([{ registry: 'localhost:5000/me', base: 'embedded' }]);
  const commented = newCatalogText({}).replace('models: []\n', entry);
  expect((await load(commented)).models[0]).not.toHaveProperty('registry');
  // The comments become valid settings.
  const uncommented = commented
    .replaceAll(/^# (registry|defaults| {2}base)/gm, '$1')
    .replace('#   base', '  base');
  expect((await load(uncommented)).models).toMatchObject([{ registry: 'quay.io/me', base: 'embedded' }]);
});

it.each(Object.keys(ciFiles) as CiSystem[])(
  'writes the CI file of %s where the system looks for it',
  async (ci) => {
    const { from, to } = ciFiles[ci];
    await init({ ci });
    expect(await read(to)).toBe(await readFile(packageFile(from), 'utf8'));
  },
);

it('keeps existing files, and appends to .gitignore what it lacks', async () => {
  await using folder = await Folder.make({
    'models.yaml': 'models:\n  - {name: a, framework: sklearn, source: file:a}\n',
    Jenkinsfile: 'mine',
    '.gitignore': '*.log\r\n/node_modules',
  });
  await symlink('nowhere', join(folder.path, 'models.schema.json'));
  const result = await init({ file: join(folder.path, 'models.yaml'), ci: 'jenkins' });
  expect(result.models).toBe(1);
  expect(result.files.map(({ status }) => status)).toEqual(['kept', 'changed', 'kept']);
  expect(await readFile(join(folder.path, 'Jenkinsfile'), 'utf8')).toBe('mine');
  expect(await readFile(join(folder.path, '.gitignore'), 'utf8')).toBe('*.log\r\n/node_modules\r\nout/\r\n');
});

it('writes nothing with dryRun, nor with an invalid setting', async () => {
  expect((await statuses({ dryRun: true, ci: 'github' })).map(([, status]) => status)).toEqual(
    Array(4).fill('created'),
  );
  expect(await failure(init({ registry: 'https://quay.io/me' }))).toMatchObject({ code: 'usage' });
  expect((await failure(init({ base: 'emebdded' }))).message).toMatch(
    /^read --base: .*did you mean `embedded`/,
  );
  expect(await readdir(path)).toEqual([]);
});
