import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Folder, frameworkText } from '../../tests/support/catalog-folder.ts';
import type { Lock } from '../model/types.ts';
import { loadCatalog } from './load.ts';
import { readLock } from './lockfile.ts';
import { splitCatalog } from './split.ts';
import { formatLock } from './write-lock.ts';

const sha256 = 'ab'.repeat(32);
const locked = (...paths: string[]): Lock['models'][string] => ({
  framework: 'testing',
  source: 'file:m',
  revision: 'r',
  include: [],
  exclude: [],
  files: paths.map((path) => ({ path, size: 1, sha256 })),
});
const pins = { 'linux/amd64': `sha256:${sha256}` };
const lock: Lock = {
  lockVersion: 1,
  bases: { embedded: pins, 'quay.io/base:1': pins },
  models: { iris: locked('model.bin'), llama: locked('[a]*.bin') },
};
const head = 'version: v1.0.0\nmirrors: { quay.io: mirror.example.com }\ndefaults: &d\n  base: embedded\n';
const iris = '  - name: iris\n    framework: testing\n    source: file:m/model.bin\n';
const llama =
  '  - { <<: *d, name: llama, framework: testing, source: file:m, base: quay.io/base:1, title: LLM }\n';

async function split(folder: Folder, text: string, withLock: Lock | undefined = lock) {
  const catalog = await loadCatalog(await folder.catalog(text));
  if (withLock) await writeFile(catalog.lockFile, formatLock(withLock));
  const parts = await splitCatalog(catalog, catalog.models, await readLock(catalog.lockFile));
  return Object.fromEntries(parts.map((part) => [part.name, part]));
}

describe('the part of a model', () => {
  it('has its entry, the defaults, its lock, its files and its base', async () => {
    await using folder = await Folder.make({ 'm/model.bin': 'x', 'm/[a]*.bin': 'x' });
    const parts = await split(folder, `${head}models:\n${iris}${llama}`);
    const common = {
      version: 'v1.0.0',
      mirrors: { 'quay.io': 'mirror.example.com' },
      defaults: { base: 'embedded' },
    };
    expect(parse(parts.iris?.catalog ?? '')).toEqual({
      ...common,
      models: [{ name: 'iris', framework: 'testing', source: 'file:m/model.bin' }],
    });
    expect(parse(parts.llama?.catalog ?? '').models).toEqual([
      { base: 'quay.io/base:1', name: 'llama', framework: 'testing', source: 'file:m', title: 'LLM' },
    ]);
    expect(parse(parts.iris?.lock ?? '')).toEqual({
      lockVersion: 1,
      bases: { embedded: pins },
      models: { iris: lock.models.iris },
    });
    expect(parts.iris?.files).toEqual(['frameworks/**/*.ts', 'm/model.bin']);
    // A folder's locked files, as patterns that match only these names.
    expect(parts.llama?.files).toEqual(['frameworks/**/*.ts', 'm/\\[a\\]\\*.bin']);
    expect(parts.iris?.base).toBeUndefined();
    expect(parse(parts.llama?.base?.catalog ?? '')).toEqual({
      mirrors: { 'quay.io': 'mirror.example.com' },
      models: [
        { name: 'base', image: 'loader', base: 'quay.io/base:1', platforms: ['linux/amd64', 'linux/arm64'] },
      ],
    });
    expect(parse(parts.llama?.base?.lock ?? '')).toEqual({
      lockVersion: 1,
      bases: { 'quay.io/base:1': pins },
      models: {},
    });
  });

  it('stays the same when another model changes, and is a complete catalog', async () => {
    await using folder = await Folder.make({ 'm/model.bin': 'x', 'm/[a]*.bin': 'x' });
    const before = await split(folder, `${head}models:\n${iris}${llama}`);
    const other = { ...lock, models: { ...lock.models, llama: locked('other.bin') } };
    const after = await split(folder, `${head}models:\n${llama.replace('LLM', 'New')}${iris}`, other);
    expect(after.iris).toEqual(before.iris);
    expect(after.llama).not.toEqual(before.llama);
    const { models } = await loadCatalog(await folder.catalog(before.llama?.catalog ?? ''));
    expect(models).toMatchObject([{ name: 'llama', version: 'v1.0.0', title: 'LLM' }]);
  });

  it('is the whole folder when a file is a link, or its files are not known', async () => {
    await using folder = await Folder.make({ 'm/real.bin': 'x' });
    await symlink('real.bin', join(folder.path, 'm', 'model.bin'));
    expect((await split(folder, `${head}models:\n${iris}`)).iris?.files).toEqual(['**']);
    const whole = iris.replace('file:m/model.bin', 'file:.');
    expect((await split(folder, `${head}models:\n${whole}`, { ...lock, models: {} })).iris?.files).toEqual([
      '**',
    ]);
  });

  it('includes files of `files:`, and has no lock without one', async () => {
    await using folder = await Folder.make({ 'm/model.bin': 'x', LICENSE: 'x' });
    const more = `${iris}    files: { LICENSE: "file:LICENSE", README.md: "https://example.com/README.md" }\n`;
    const { iris: part } = await split(folder, `${head}models:\n${more}`, { ...lock, models: {} });
    expect(part?.files).toEqual(['frameworks/**/*.ts', 'LICENSE', 'm/model.bin']);
    await using bare = await Folder.make({ 'm/model.bin': 'x' });
    const catalog = await loadCatalog(await bare.catalog(`${head}models:\n${iris}`));
    const [without] = await splitCatalog(catalog, catalog.models, undefined);
    expect(without).not.toHaveProperty('lock');
  });

  it('includes what its frameworks import from outside their folder', async () => {
    const framework = `import { a } from '../../lib/a.ts';\n${frameworkText('testing')}`;
    const lib = `import './b.ts';\nimport type { C } from "./types.ts";\nexport { x } from '../../outside.ts';\n`;
    await using folder = await Folder.make({
      'm/model.bin': 'x',
      'frameworks/testing/framework.ts': framework,
      'lib/a.ts': `${lib}export const a = 1;\n`,
      'lib/b.ts': 'export default 1;\n',
      'lib/types.ts': 'export type C = 1;\n',
      'lib/unused.ts': 'export default 1;\n',
    });
    const { iris: part } = await split(folder, `${head}models:\n${iris}`);
    expect(part?.files).toEqual(['frameworks/**/*.ts', 'lib/a.ts', 'lib/b.ts', 'm/model.bin']);
  });
});
