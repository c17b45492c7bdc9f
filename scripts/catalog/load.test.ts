import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { sourceName } from '../model/catalog-entry.ts';
import { displayPath } from '../text/paths.ts';
import { loadCatalog, parseCatalog } from './load.ts';

let folder: Folder;
beforeAll(async () => {
  folder = await Folder.make();
});
afterAll(() => folder[Symbol.asyncDispose]());

it('applies defaults', async () => {
  const file = await folder.catalog('models:\n  - name: iris\n    framework: testing\n    source: file:m\n');
  expect(await loadCatalog(file)).toEqual({
    file,
    directory: folder.path,
    lockFile: join(folder.path, 'models.lock.yaml'),
    mirrors: {},
    models: [
      {
        name: 'iris',
        framework: 'testing',
        source: 'file:m',
        files: {},
        include: [],
        exclude: [],
        tags: [],
        base: 'registry.access.redhat.com/ubi10/ubi-micro:latest',
        platforms: ['linux/amd64', 'linux/arm64'],
        compression: 'none',
        annotations: {},
      },
    ],
  });
});

const full = `registry: quay.io/me
version: 1.0.0
mirrors: {quay.io: mirror.example.com/quay}
defaults:
  base: embedded
  platforms: [linux/s390x, linux/amd64, linux/amd64]
  compression: zstd
  tags: [stable]
  floatingTags: false
  include: ["*.bin"]
  exclude: [a.bin]
  maxLayerSize: 9GiB
  licenses: MIT
  annotations: {com.example.team: search, com.example.tier: gold}
models:
  - name: plain
    framework: testing
    source: file:m
  - name: own
    framework: testing
    source: file:n
    files: {LICENSE: "file:LICENSE"}
    registry: localhost:5000
    version: v2.0.0-rc.1
    base: quay.io/fedora/fedora-minimal:42
    platforms: [linux/ppc64le]
    compression: none
    tags: []
    floatingTags: true
    include: [b.bin]
    exclude: []
    maxLayerSize: 1000
    licenses: Apache-2.0
    title: Own
    description: "Two\\nlines"
    annotations: {com.example.tier: silver}
`;

it('lets a model override every default, and adds its annotations to theirs', async () => {
  const { models, mirrors } = await loadCatalog(await folder.catalog(full));
  expect(mirrors).toEqual({ 'quay.io': 'mirror.example.com/quay' });
  expect(models[0]).toMatchObject({
    registry: 'quay.io/me',
    version: 'v1.0.0',
    base: 'embedded',
    platforms: ['linux/amd64', 'linux/s390x'],
    compression: 'zstd',
    tags: ['stable'],
    floatingTags: false,
    include: ['*.bin'],
    exclude: ['a.bin'],
    maxLayerSize: 9 * 1024 ** 3,
    licenses: 'MIT',
    licensesByDefault: true,
    annotations: { 'com.example.team': 'search', 'com.example.tier': 'gold' },
  });
  expect(models[1]).toEqual({
    name: 'own',
    framework: 'testing',
    source: 'file:n',
    files: { LICENSE: 'file:LICENSE' },
    registry: 'localhost:5000',
    version: 'v2.0.0-rc.1',
    base: 'quay.io/fedora/fedora-minimal:42',
    platforms: ['linux/ppc64le'],
    compression: 'none',
    tags: [],
    floatingTags: true,
    include: ['b.bin'],
    exclude: [],
    maxLayerSize: 1000,
    licenses: 'Apache-2.0',
    title: 'Own',
    description: 'Two\nlines',
    annotations: { 'com.example.team': 'search', 'com.example.tier': 'silver' },
  });
});

it('lets flags override the model', async () => {
  const { models, mirrors } = await loadCatalog(await folder.catalog(full), {
    registry: 'ghcr.io/you',
    version: '3.0.0',
    tags: ['x'],
    base: 'embedded',
    platforms: ['linux/arm64'],
    compression: 'gzip',
    mirrors: { 'ghcr.io': 'localhost:5000' },
  });
  expect(mirrors).toEqual({ 'quay.io': 'mirror.example.com/quay', 'ghcr.io': 'localhost:5000' });
  for (const one of models) {
    expect(one).toMatchObject({
      registry: 'ghcr.io/you',
      version: 'v3.0.0',
      tags: ['x'],
      base: 'embedded',
      platforms: ['linux/arm64'],
      compression: 'gzip',
    });
  }
});

it.each([
  [{ registry: 'https://quay.io/me' }, '--registry', 'did you mean `quay.io/me`?'],
  [{ version: 'latest' }, '--version', '`v1.2.3`'],
  [{ tags: ['ok', 'a b'] }, '--tag', 'got `a b`'],
  [{ base: 'embeded' }, '--base', 'did you mean `embedded`?'],
  [{ platforms: ['arm64'] }, '--platform', 'did you mean `linux/arm64`?'],
  [{ mirrors: { 'quay.io': 'ftp://x y' } }, '--mirror', 'registry host'],
  [{ mirrors: { quay: 'localhost:5000' } }, '--mirror', 'got `quay`'],
])('names the flag for %j', async (overrides, flag, words) => {
  const error = await failure(loadCatalog(await folder.catalog(full), overrides));
  expect(error).toMatchObject({ code: 'usage', exitCode: 2 });
  expect(error.message).toMatch(new RegExp(`^read ${flag}: `));
  expect(error.message).toContain(words);
});

it('accepts anchors, aliases and merge keys', async () => {
  const text = `models:
  - &one {name: one, framework: testing, source: file:m, tags: [a]}
  - <<: *one
    name: two
  - <<: [{tags: [b]}, *one]
    name: three
`;
  const { models } = await loadCatalog(await folder.catalog(text));
  expect(models.map((entry) => [entry.name, sourceName(entry), entry.tags])).toEqual([
    ['one', 'file:m', ['a']],
    ['two', 'file:m', ['a']],
    ['three', 'file:m', ['b']],
  ]);
});

it('fails for a file that cannot be read', async () => {
  execFileSync('mkfifo', [join(folder.path, 'pipe')]);
  await folder.write({ 'big.yaml': '#'.repeat(1024 ** 2 + 1), plain: '' });
  const cases = [
    ['gone.yaml', 'no such file'],
    ['.', 'it is a folder, not a file'],
    ['pipe', 'it is not a regular file'],
    ['big.yaml', 'it has 1048577 bytes; at most 1048576 are read'],
    ['plain/models.yaml', 'a part of the path is a file, not a folder'],
    ['x'.repeat(300), 'the name is too long'],
    ['a\0b', 'the name holds a NUL character'],
  ];
  for (const [name = '', words = ''] of cases) {
    const error = await failure(loadCatalog(`${folder.path}/${name}`));
    const or = words === 'no such file' ? ', or start one with `modelcars init`' : '';
    const next = `name a models.yaml with -f FILE${or}`;
    expect(error).toMatchObject({ code: 'catalog', exitCode: 2, next });
    expect(error.message).toContain(words);
  }
});

it('fails for a catalog without models, which `add` can fill', async () => {
  const file = await folder.catalog('# none\nmodels: []\n');
  const error = await failure(loadCatalog(file));
  expect(error).toMatchObject({ code: 'catalog', exitCode: 2 });
  const shown = displayPath(file);
  expect(error.message).toBe(`${shown} lists no models yet`);
  expect(error.next).toContain(`run \`modelcars add ./model.joblib -f ${shown}\``);
  const parsed = await parseCatalog(file, 'registry: quay.io/me\nmodels: []\n');
  expect(parsed).toMatchObject({ file, models: [] });
  // Other mistakes are reported as ever.
  expect((await failure(loadCatalog(await folder.catalog('model: []\n')))).message).toContain('`model`');
});

it('shows the file relative to the working folder', async () => {
  const error = await failure(loadCatalog(fileURLToPath(new URL('../../gone/models.yaml', import.meta.url))));
  expect(error.message).toBe('read gone/models.yaml: no such file');
});

it('loads the models.yaml of the repository', async () => {
  const { models } = await loadCatalog(fileURLToPath(new URL('../../models.yaml', import.meta.url)));
  expect(models.map(({ name }) => name)).toEqual([
    'mlserver-sklearn',
    'mlserver-xgboost',
    'mlserver-lightgbm',
  ]);
});
