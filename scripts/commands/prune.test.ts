import { mkdir, mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { modelcars } from '../../tests/support/run-program.ts';
import { parseCommandLine } from './parse.ts';

const folder = await mkdtemp(join(tmpdir(), 'modelcars-prune-'));
const store = join(folder, 'store');
const days = 24 * 3600;
const files = {
  old: join(store, 'files/sha256/aa', 'b'.repeat(62)),
  young: join(store, 'blobs/sha256', 'c'.repeat(64)),
};
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  for (const [path, age] of [
    [files.old, 40],
    [files.young, 10],
  ] as const) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, Buffer.alloc(1_500_000));
    await utimes(path, Date.now() / 1000 - age * days, Date.now() / 1000 - age * days);
  }
});

const run = (...words: string[]) => modelcars(['prune', ...words], { env: { MODELCARS_STORE: store } });
const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

it('removes entries unused for 30 days, and lists them', async () => {
  const { code, stdout, stderr } = await run();
  expect(code).toBe(0);
  expect(stdout).toMatch(/^REMOVED +NAME +SIZE +LAST USED\nfile +aabb\w* +1\.5 MB +\d{4}-\d\d-\d\d\n$/);
  expect(stderr).toBe('1.5 MB freed, 1.5 MB left\n');
  expect([await isThere(files.old), await isThere(files.young)]).toEqual([false, true]);
});

it.each([
  [['--older-than', '1w'], 2],
  [['--older-than', '50d'], 0],
  [['--max-size', '2MB'], 1],
  [['--max-size', '0'], 2],
  [['--max-size', '3MB'], 0],
  [['--max-size', '3MB', '--older-than', '2w'], 1],
  [['--all'], 2],
] as const)('%j --dry-run --json lists the entries to remove, and removes none', async (words, count) => {
  const { stdout, stderr } = await run(...words, '--dry-run', '--json');
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({ command: 'prune', ok: true, dryRun: true, store });
  expect(document.removed).toHaveLength(count);
  expect(document.freed).toBe(count * 1_500_000);
  expect(stderr).toBe('');
  expect([await isThere(files.old), await isThere(files.young)]).toEqual([true, true]);
});

it.each([
  ['--older-than', '30'],
  ['--older-than', '-1d'],
  ['--max-size', 'much'],
  ['--max-size', ''],
])('refuses %s %s', async (...words) => {
  expect(await run(...words)).toMatchObject({ code: 2, stdout: '' });
  expect(await isThere(files.old)).toBe(true);
});

it('build and push accept --keep', async () => {
  for (const command of ['build', 'push']) {
    expect((await parseCommandLine([command, '--keep'], 80))?.args).toMatchObject({ keep: true });
    expect((await parseCommandLine([command], 80))?.args).toMatchObject({ keep: false });
  }
});
