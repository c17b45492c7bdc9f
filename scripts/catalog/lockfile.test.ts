import { chmod, mkdir, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import type { Lock, LockedModel } from '../model/types.ts';
import { readLock } from './lockfile.ts';
import { formatLock, writeLock } from './write-lock.ts';

const hex = 'ab'.repeat(32);
const text = `# written by \`modelcars lock\`; commit it
lockVersion: 1
bases:
  embedded:
    linux/amd64: sha256:${hex}
    linux/arm64: sha256:${hex}
  quay.io/a/b:1:
    linux/amd64: sha256:${hex}
models:
  Zeta:
    framework: sklearn
    source: file:z
    revision: sha256:${hex}
    include: []
    exclude: []
    files: []
  iris:
    framework: sklearn
    source: file:m
    revision: sha256:${hex}
    include:
      - "*.joblib"
      - LICENSE*
    exclude: []
    files:
      - path: LICENSE
        size: 3
        sha256: ${hex}
        source: file:LICENSE
      - path: model.joblib
        size: 5
        sha256: ${hex}
`;
const lock: Lock = {
  lockVersion: 1,
  bases: {
    'quay.io/a/b:1': { 'linux/amd64': `sha256:${hex}` },
    embedded: { 'linux/arm64': `sha256:${hex}`, 'linux/amd64': `sha256:${hex}` },
  },
  models: {
    iris: {
      framework: 'sklearn',
      source: 'file:m',
      revision: `sha256:${hex}`,
      include: ['*.joblib', 'LICENSE*'],
      exclude: [],
      files: [
        { path: 'model.joblib', size: 5, sha256: hex },
        { source: 'file:LICENSE', sha256: hex, size: 3, path: 'LICENSE' },
      ],
    },
    Zeta: {
      framework: 'sklearn',
      source: 'file:z',
      revision: `sha256:${hex}`,
      include: [],
      exclude: [],
      files: [],
    },
  },
};

let folder: Folder;
let file: string;
beforeAll(async () => {
  folder = await Folder.make();
  file = join(folder.path, 'models.lock.yaml');
});
afterAll(() => folder[Symbol.asyncDispose]());

it('keeps layers: with their files, in their order, with a diffId only when it differs', async () => {
  const layers = [
    { files: ['b', 'a'], digest: `sha256:${hex}`, size: 2048, key: hex },
    { files: ['c'], digest: `sha256:${hex}`, size: 99, diffId: `sha256:${hex}`, key: hex },
  ];
  const iris = { ...lock.models.iris, layers } as LockedModel;
  const written = formatLock({ ...lock, models: { iris } });
  expect(written).toContain(`    layers:
      - files:
          - b
          - a
        digest: sha256:${hex}
        size: 2048
        key: ${hex}
      - files:
          - c
        digest: sha256:${hex}
        size: 99
        diffId: sha256:${hex}
        key: ${hex}
`);
  await folder.write({ 'layers.lock.yaml': written });
  expect((await readLock(join(folder.path, 'layers.lock.yaml')))?.models.iris?.layers).toEqual(layers);
  expect(formatLock({ ...lock, models: { iris: { ...iris, layers: [] } } })).not.toContain('layers');
});

it('writes the same text for the same lock, whatever the order of its keys', () => {
  expect(formatLock(lock)).toBe(text);
});

it('reads back what it wrote, files in byte order', async () => {
  await folder.write({ 'models.lock.yaml': text });
  const read = await readLock(file);
  expect(read).toEqual({
    ...lock,
    models: { ...lock.models, iris: { ...lock.models.iris, files: lock.models.iris?.files.toReversed() } },
  });
  expect(read && formatLock(read)).toBe(text);
});

it('keeps the metadata of a model card, sorted, between revision and globs; leaves out an empty one', async () => {
  await using folder = await Folder.make();
  const file = join(folder.path, 'models.lock.yaml');
  const [iris] = Object.entries(lock.models).filter(([name]) => name === 'iris');
  if (!iris) throw new Error('the fixture is broken');
  const metadata = { pipeline_tag: 'text-generation', license: 'apache-2.0' };
  const models = { iris: { ...iris[1], metadata }, other: { ...iris[1], metadata: {} } };
  const written = formatLock({ ...lock, models });
  expect(written).toContain(
    `    revision: sha256:${hex}\n    metadata:\n      license: apache-2.0\n      pipeline_tag: text-generation\n    include:`,
  );
  expect(written.match(/metadata/g)).toHaveLength(1);
  await writeLock(file, { ...lock, models });
  const read = await readLock(file);
  expect(read?.models.iris?.metadata).toEqual(metadata);
  expect(read?.models.other).not.toHaveProperty('metadata');
});

it('keeps long and unusual strings unchanged', async () => {
  const name = 'a: b #c "d" \'e\' ~ é '.repeat(20).trim();
  const odd: Lock = {
    ...lock,
    models: {
      no: {
        framework: 'x',
        source: 'file:y',
        revision: '1.0',
        include: [name],
        exclude: ['true'],
        files: [{ path: name.slice(0, 200), size: 1, sha256: hex }],
      },
    },
  };
  await folder.write({ 'models.lock.yaml': formatLock(odd) });
  expect(await readLock(file)).toEqual(odd);
});

it('is undefined without a lock file', async () => {
  expect(await readLock(join(folder.path, 'gone.lock.yaml'))).toBeUndefined();
});

it('returns whether it created, changed or left the lock', async () => {
  await using own = await Folder.make();
  const path = join(own.path, 'models.lock.yaml');
  expect(await writeLock(path, lock)).toBe('created');
  const before = await stat(path, { bigint: true });
  expect(await writeLock(path, lock)).toBe('unchanged');
  const after = await stat(path, { bigint: true });
  expect([after.ino, after.mtimeNs]).toEqual([before.ino, before.mtimeNs]);
  await chmod(path, 0o600);
  expect(await writeLock(path, { ...lock, models: {} })).toBe('changed');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readFile(path, 'utf8')).toContain('models: {}\n');
  expect(await readdir(own.path)).toEqual(['frameworks', 'models.lock.yaml']);
});

it('writes through a symbolic link', async () => {
  await using own = await Folder.make({ 'real/l.yaml': 'x' });
  const path = join(own.path, 'models.lock.yaml');
  await symlink('real/l.yaml', path);
  expect(await writeLock(path, lock)).toBe('changed');
  expect(await readFile(join(own.path, 'real/l.yaml'), 'utf8')).toBe(text);
});

it('fails with code `disk` when it cannot be written', async () => {
  await using own = await Folder.make({ plain: '' });
  await mkdir(join(own.path, 'models.lock.yaml'));
  for (const name of ['models.lock.yaml', 'plain/models.lock.yaml', 'gone/models.lock.yaml']) {
    expect((await failure(writeLock(join(own.path, name), lock))).code).toBe('disk');
  }
});

it.each([
  ['<<<<<<< HEAD\n', '', /:1:1: a merge conflict was not resolved$/],
  ['lockVersion: 1', 'lockVersion: 1\n=======\n', /:3:1: a merge conflict/],
  [
    'lockVersion: 1',
    'lockVersion: 2',
    /:2:14: `lockVersion`: expected lock version 1, got the number 2; a newer modelcars/,
  ],
  ['lockVersion: 1\n', '', /`lockVersion`: missing/],
  [
    'path: model.joblib',
    'path: ../../etc/passwd',
    /:30:15: `files\[1\]\.path`: expected a path below the source, got `\.\.\/\.\.\/etc\/passwd`, which holds the component/,
  ],
  ['path: model.joblib', 'path: /etc/passwd', /is absolute/],
  ['path: model.joblib', 'path: "a\\0b"', /NUL/],
  ['path: model.joblib', 'path: .wh.model', /`\.wh\.`/],
  ['path: LICENSE\n', 'path: a\\b\n', /backslash/],
  ['size: 5', 'size: -5', /:31:15: .*size of at least 0/],
  ['size: 5', 'size: 1e300', /expected a size/],
  ['size: 5', 'size: 0.5', /expected a size/],
  [`sha256: ${hex}\n        source`, 'sha256: abc\n        source', /64 lower-case hexadecimal/],
  [`sha256:${hex}`, `md5:${hex}`, /`bases\.embedded\.linux\/amd64`: expected `sha256:`/],
  ['source: file:m', 'source: file:../m', /inside the folder/],
  ['source: file:m', 'sorce: file:m', /:19:5: unknown key `sorce`; did you mean `source`\?/],
  ['size: 5', 'sise: 5', /unknown key `sise`; did you mean `size`\?/],
  ['models:', 'modles:', /unknown key `modles`; did you mean `models`\?/],
  ['iris:', 'Zeta:', /duplicate key `Zeta`; first on line 10/],
  [/[\s\S]*/, '', /:1:1: the file is empty; expected a lock$/],
  [/[\s\S]*/, 'a: [', /not valid YAML/],
])('rejects a lock with %s → %s', async (from, to, message) => {
  await folder.write({
    'models.lock.yaml': from === '<<<<<<< HEAD\n' ? from + text : text.replace(from, to),
  });
  const error = await failure(readLock(file));
  expect(error).toMatchObject({ code: 'lock', exitCode: 1, next: expect.stringContaining('modelcars lock') });
  expect(error.message).toMatch(message);
});

it('rejects two files with the same path', async () => {
  const twice = `      - path: MODEL.joblib\n        size: 5\n        sha256: ${hex}\n`;
  await folder.write({ 'models.lock.yaml': text + twice });
  expect((await failure(readLock(file))).message).toContain(
    '`model.joblib` and `MODEL.joblib` differ only in case',
  );
});
