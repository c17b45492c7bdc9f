import { expect, it } from 'vitest';
import type { Lock, LockedFile, LockedModel } from '../../model/types.ts';
import { compareLocks } from '../../pipeline/lock-changes.ts';
import { changeLines, resultLine } from './lock-changes.ts';

const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
const file = (path: string, size: number, sha256 = a): LockedFile => ({ path, size, sha256 });
const model = (revision: string, files: LockedFile[], more: Partial<LockedModel> = {}): LockedModel => ({
  framework: 'sklearn',
  source: 'file:m',
  revision,
  include: ['*'],
  exclude: [],
  files,
  ...more,
});
const lock = (models: Lock['models'], bases: Lock['bases'] = {}): Lock => ({ lockVersion: 1, bases, models });

it('finds no change in equal locks, for any order of keys and files', () => {
  const one = lock({ iris: model('r1', [file('x', 1), file('y', 2)], { metadata: { a: '1', b: '2' } }) });
  const other = lock({ iris: model('r1', [file('y', 2), file('x', 1)], { metadata: { b: '2', a: '1' } }) });
  expect(compareLocks(one, other)).toEqual({ models: [], bases: [] });
  expect(changeLines(compareLocks(one, other))).toEqual([]);
});

it('lists revisions, files with sizes, and other fields of a changed model', () => {
  const before = model(`sha256:${a}`, [file('gone', 5), file('model.bin', 1000), file('same', 1)]);
  const after = model(`sha256:${b}`, [file('model.bin', 1000, b), file('new', 2_000_000), file('same', 1)], {
    include: ['**'],
  });
  const changes = compareLocks(lock({ iris: before }), lock({ iris: after }));
  expect(changes.models).toEqual([
    {
      model: 'iris',
      change: 'changed',
      from: `sha256:${a}`,
      to: `sha256:${b}`,
      size: 2_001_001,
      files: [
        { path: 'gone', change: 'removed', from: { size: 5, sha256: a } },
        {
          path: 'model.bin',
          change: 'changed',
          from: { size: 1000, sha256: a },
          to: { size: 1000, sha256: b },
        },
        { path: 'new', change: 'added', to: { size: 2_000_000, sha256: a } },
      ],
      fields: ['include'],
    },
  ]);
  expect(changeLines(changes)).toEqual([
    '~ iris: sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb (`include` changed)',
    '  - gone 5 B',
    '  ~ model.bin 1.0 kB, other bytes',
    '  + new 2.0 MB',
  ]);
});

it('distinguishes a file of `files:` from a source file with the same path', () => {
  const own = { ...file('LICENSE', 3), source: 'file:LICENSE' };
  const { models } = compareLocks(
    lock({ iris: model('r1', [file('LICENSE', 3)]) }),
    lock({ iris: model('r2', [own]) }),
  );
  expect(models[0]?.files.map(({ change }) => change).sort()).toEqual(['added', 'removed']);
});

it('lists added and removed models, and added, changed and removed base pins', () => {
  const changes = compareLocks(
    lock({ gone: model('r1', [file('x', 1)]) }, { 'a/b': { 'linux/amd64': 'd1', 'linux/arm64': 'd2' } }),
    lock(
      { new: model('0123456789abcdef0123456789abcdef01234567', [file('x', 10), file('y', 20)]) },
      { 'a/b': { 'linux/amd64': 'd3' }, embedded: { 'linux/amd64': 'd4' } },
    ),
  );
  expect(changeLines(changes)).toEqual([
    '- gone: r1, 1 file, 1 B',
    '+ new: 0123456789ab, 2 files, 30 B',
    '~ base a/b linux/amd64: d1 → d3',
    '- base a/b linux/arm64: d2',
    '+ base embedded linux/amd64: d4',
  ]);
  expect(compareLocks(undefined, lock({ new: model('r', []) })).models).toMatchObject([
    { model: 'new', change: 'added', to: 'r', files: [] },
  ]);
});

it('counts the files beyond twenty, and removes control characters from names', () => {
  const files = Array.from({ length: 30 }, (_, at) => file(`\u001b[31m${String(at).padStart(2, '0')}`, 1));
  const lines = changeLines(
    compareLocks(
      lock({ iris: model('r1', [file('x', 1)]) }),
      lock({ iris: model('r2', [file('x', 1), ...files]) }),
    ),
  );
  expect(lines).toHaveLength(22);
  expect(lines.at(-1)).toBe('  … and 10 more files');
  expect(lines.join('\n')).not.toContain('\u001b');
});

it('names the other catalog of a removed model', () => {
  const changes = compareLocks(
    lock({ rose: model('r1', [file('x', 1)]) }),
    lock({}),
    new Map([['rose', `${process.cwd()}/dev.yaml`]]),
  );
  expect(changeLines(changes)).toEqual(['- rose: r1, 1 file, 1 B; dev.yaml has it']);
});

it.each<[string, { failed: number; kept?: string[]; lockExists?: boolean; dryRun?: boolean }]>([
  ['changed', { failed: 0 }],
  ['would change', { failed: 0, dryRun: true }],
  ['changed; 1 of 3 models failed and keeps its previous entry', { failed: 1, kept: ['a'] }],
  ['changed; 2 of 3 models failed and keep their previous entries', { failed: 2, kept: ['a', 'b'] }],
  ['changed; 1 of 3 models failed and has no entry', { failed: 1 }],
  [
    'would change; 2 of 3 models failed: 1 with the previous entry, 1 without an entry',
    { failed: 2, kept: ['a'], dryRun: true },
  ],
  ['not written; 3 of 3 models failed and have no entry', { failed: 3, lockExists: false }],
])('says what happened to the lock: %s', (line, { failed, kept = [], lockExists = true, dryRun = false }) => {
  const outcomes = ['a', 'b', 'c'].map((name, at) => ({
    model: name,
    status: at < failed ? ('failed' as const) : ('done' as const),
  }));
  const change = lockExists ? 'changed' : 'unchanged';
  const changes = { models: [], bases: [] };
  expect(resultLine({ outcomes, change, changes, kept, lockExists }, dryRun)).toBe(line);
});
