import { expect, it } from 'vitest';
import type { Framework, Lock, LockedModel, Model } from '../model/types.ts';
import { globsOf, lockProblems } from './lock-check.ts';

const framework: Framework = {
  name: 'testing',
  modelFormat: { name: 'test' },
  runtime: 'r',
  protocolVersion: 'v2',
  include: ['*.bin'],
  exclude: ['optimizer.bin'],
  requires: [],
  smoke: { path: '/', body: {}, expect: { output: 'y', classes: [1], read: 'labels' } },
};
const frameworks = new Map([
  ['testing', framework],
  ['other', { ...framework, name: 'other' }],
]);
const model: Model = {
  name: 'iris',
  framework: 'testing',
  source: 'file:m',
  files: { LICENSE: 'file:LICENSE' },
  include: [],
  exclude: ['x.bin'],
  tags: [],
  base: 'embedded',
  platforms: ['linux/amd64', 'linux/arm64'],
  compression: 'none',
  annotations: {},
};
const hex = 'ab'.repeat(32);
const locked: LockedModel = {
  framework: 'testing',
  source: 'file:m',
  revision: `sha256:${hex}`,
  include: ['*.bin'],
  exclude: ['optimizer.bin', 'x.bin'],
  files: [
    { path: 'LICENSE', size: 1, sha256: hex, source: 'file:LICENSE' },
    { path: 'model.bin', size: 1, sha256: hex },
  ],
};
const lock: Lock = {
  lockVersion: 1,
  bases: { embedded: { 'linux/amd64': `sha256:${hex}`, 'linux/arm64': `sha256:${hex}` } },
  models: { iris: locked },
};

it('finds nothing in a lock that is up to date', () => {
  expect(lockProblems([model], lock, frameworks, [model])).toEqual([]);
});

it('ignores fields that do not concern the lock', () => {
  const changed = { ...model, title: 'T', version: 'v2.0.0', tags: ['x'], platforms: ['linux/arm64'] };
  expect(lockProblems([changed], lock, frameworks, [changed])).toEqual([]);
});

it.each<[string, Partial<Model>, string[]]>([
  ['name', { name: 'rose' }, ['model rose: it is not in the lock']],
  [
    'name, to that of an object property',
    { name: 'constructor' },
    ['model constructor: it is not in the lock'],
  ],
  ['framework', { framework: 'other' }, ['model iris: `framework` was `testing`, now it is `other`']],
  ['source', { source: 'file:n' }, ['model iris: `source` was `file:m`, now it is `file:n`']],
  [
    'include',
    { include: ['*'] },
    [
      'model iris: `include` was ["*.bin"], now it is ["*"]',
      'model iris: `exclude` was ["optimizer.bin","x.bin"], now it is ["x.bin"]',
    ],
  ],
  [
    'exclude',
    { exclude: [] },
    ['model iris: `exclude` was ["optimizer.bin","x.bin"], now it is ["optimizer.bin"]'],
  ],
  ['files: new', { files: { ...model.files, a: 'file:a' } }, ['model iris: `files:` `a` is new']],
  ['files: changed', { files: { LICENSE: 'file:COPYING' } }, ['model iris: `files:` `LICENSE` is changed']],
  ['files: removed', { files: {} }, ['model iris: `files:` `LICENSE` is no longer in the catalog']],
  [
    'base',
    { base: 'quay.io/a/b:1' },
    ['base `quay.io/a/b:1`: linux/amd64 and linux/arm64 are not in the lock'],
  ],
  [
    'platform',
    { platforms: ['linux/amd64', 'linux/s390x'] },
    ['base `embedded`: linux/s390x is not in the lock'],
  ],
])('reports a changed %s', (_, change, reasons) => {
  expect(lockProblems([{ ...model, ...change }], lock, frameworks)).toEqual(reasons);
});

it("reports a change of a framework's globs", () => {
  const changed = new Map([['testing', { ...framework, include: ['*.bin', '*.json'] }]]);
  expect(lockProblems([model], lock, changed)).toHaveLength(1);
  const own = { ...model, include: ['*.bin'], exclude: ['optimizer.bin', 'x.bin'] };
  expect(lockProblems([own], lock, changed)).toEqual([]);
});

it('reports entries that left the catalog, and a missing lock', () => {
  const rose = { ...model, name: 'rose' };
  const both = { ...lock, models: { iris: locked, rose: locked } };
  expect(lockProblems([model], both, frameworks, [model])).toEqual([
    'model rose: it is in the lock, but no longer in the catalog',
  ]);
  expect(lockProblems([model], both, frameworks, [model, rose])).toEqual([]);
  expect(lockProblems([model], undefined, frameworks, [model])).toEqual(['no models.lock.yaml']);
});

it('reports a missing base once for all models', () => {
  const other = { ...model, base: 'quay.io/a/b:1', platforms: ['linux/amd64'] };
  expect(lockProblems([other, { ...other, platforms: ['linux/arm64'] }], lock, frameworks)).toEqual([
    'base `quay.io/a/b:1`: linux/amd64 and linux/arm64 are not in the lock',
  ]);
});

it("uses the framework's globs unless the model includes its own", () => {
  expect(globsOf({ ...model, exclude: [] }, framework)).toEqual({
    include: ['*.bin'],
    exclude: ['optimizer.bin'],
  });
  expect(globsOf({ ...model, include: ['a'] }, framework)).toEqual({ include: ['a'], exclude: ['x.bin'] });
});
