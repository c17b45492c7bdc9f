import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compareRatios, compareTable } from './compare.ts';
import { readOptions } from './options.ts';
import { type Result, readEarlier } from './results.ts';

/** A result with one run per tool, by its seconds; none for undefined. */
function result(work: string, walls: Record<string, number | undefined>): Result {
  const zero = { cpu: 0, registryCpu: 0, peak: 0, treePeak: 0, written: 0, kept: 0 };
  return {
    work,
    title: work,
    bytes: 1,
    command: '',
    date: '2026-01-01',
    machine: {},
    rows: Object.entries(walls).map(([peer, wall]) => ({
      peer,
      title: peer,
      versions: {},
      samples: wall === undefined ? [] : [{ ...zero, wall }],
    })),
  };
}

const old = [
  result('files', { modelcars: 2, podman: 20, crane: 6 }),
  result('small', { modelcars: 1, kit: 1 }),
];

test('a slower machine changes no ratio', () => {
  const slow = [result('files', { modelcars: 4, podman: 40, crane: 12 })];
  expect(compareRatios(old, slow).map(({ peer, change, worse }) => [peer, change, worse])).toEqual([
    ['podman', 1, false],
    ['crane', 1, false],
  ]);
});

test.each([
  [2, false],
  [2.3, false],
  [2.35, false],
  [2.36, true],
  [3, true],
])('modelcars in %d s in place of 2 s is worse: %s', (modelcars, worse) => {
  const [podman] = compareRatios(old, [result('files', { modelcars, podman: 20 })]);
  expect(podman).toMatchObject({ work: 'files', peer: 'podman', old: 10, worse });
});

test('only works and tools that both have, with a run in both, are compared', () => {
  const now = [
    result('files', { modelcars: 2, podman: undefined, buildah: 3, 'modelcars-lock': 9 }),
    result('hub', { modelcars: 1, podman: 1 }),
    result('small', { modelcars: 1, kit: 2 }),
  ];
  expect(compareRatios(old, now).map(({ work, peer }) => `${work} ${peer}`)).toEqual(['small kit']);
  expect(compareRatios([result('files', { modelcars: undefined, podman: 2 })], now)).toEqual([]);
});

test('the table has old and new, and marks what got worse', () => {
  const changes = compareRatios(old, [result('files', { modelcars: 4, podman: 20, crane: 24 })]);
  expect(compareTable(changes).split('\n')).toEqual([
    '| work | tool | old | new | change | at most 15 % worse |',
    '|---|---|---:|---:|---:|---|',
    '| files | podman | 10.0× | 5.00× | -50 % | **no** |',
    '| files | crane | 3.00× | 6.00× | +100 % | yes |',
  ]);
  expect(compareTable([])).toBe('No work and tool is in both results.');
});

test('--compare takes a file of results, and nothing else', async () => {
  expect(readOptions(['--compare', 'a.json']).compare).toBe('a.json');
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-compare-'));
  try {
    const file = join(folder, 'old.json');
    await expect(readEarlier(file)).rejects.toThrow('these are no results of the benchmark');
    await writeFile(file, '[{}]');
    await expect(readEarlier(file)).rejects.toThrow('these are no results');
    await writeFile(file, JSON.stringify(old));
    expect(await readEarlier(file)).toEqual(old);
  } finally {
    await rm(folder, { recursive: true });
  }
});
