/** `outdated`: what `lock --upgrade` would move, with the bytes to download, and without reading weights. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type Hub, startHub } from '../parts/hub.ts';
import { tryInside } from '../parts/inside.ts';

const weights = (seed: number, size = 300_000) => ({ size, generate: seed });
const files = { 'model.joblib': weights(1), 'README.md': '# one\n', 'old.txt': 'old' };
const newer = { 'model.joblib': weights(2, 400_000), 'README.md': '# one\n', 'new.txt': 'new' };
const entry = (name: string, more = {}) => ({
  ...{ name, framework: 'sklearn', source: `hf://org/${name}`, include: ['*'] },
  ...more,
});

let hub: Hub;
let folder: string;
let pinned: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-outdated-'));
  const names = ['one', 'two', 'fixed', 'other'];
  hub = await startHub({ models: Object.fromEntries(names.map((name) => [`org/${name}`, { files }])) });
  await mkdir(join(folder, 'files'));
  await writeFile(join(folder, 'files/model.joblib'), 'local');
  pinned = hub.sha('org/fixed');
  await write();
  expect(await run('lock')).toMatchObject({ code: 0 });
});
afterAll(async () => {
  await hub?.stop();
  await rm(folder, { recursive: true, force: true });
});

const write = async (...more: object[]) => {
  const models = [
    entry('one'),
    entry('two'),
    entry('fixed', { source: `hf://org/fixed:${pinned}` }),
    entry('local', { source: 'file:files' }),
    ...more,
  ];
  const text = stringify({ defaults: { base: 'embedded' }, models });
  await writeFile(join(folder, 'models.yaml'), text);
};
const run = async (...args: string[]) => {
  const before = hub.requests().length;
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'hf'), HF_TOKEN: undefined };
  const result = await tryInside([...args, '--no-progress'], { cwd: folder, env });
  return { ...result, asked: hub.requests().slice(before) };
};
const short = (revision: string) => revision.slice(0, 12);

test('up to date: exit code 0, no file read, no request for a fixed commit', async () => {
  const { code, stdout, stderr, asked } = await run('outdated', '--exit-code');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^NAME +LOCKED +NEWEST +FILES +SIZE$/m);
  const one = short(hub.sha('org/one'));
  expect(stdout).toMatch(new RegExp(`^one +${one} +${one} +- +-$`, 'm'));
  expect(stdout).toMatch(new RegExp(`^fixed +${short(pinned)} +${short(pinned)} \\(fixed\\) +- +-$`, 'm'));
  expect(stderr).toContain('4 up to date');
  expect(stderr).not.toContain('next:');
  expect(new Set(asked.map(({ part }) => part))).toEqual(new Set(['api']));
  expect(asked.filter(({ path }) => path.includes('org/fixed'))).toEqual([]);
});

test('a moved branch: revisions, files, bytes to download, and the command; nothing is written or downloaded', async () => {
  await hub.commit('org/one', newer);
  await hub.commit('org/fixed', newer);
  const lock = await readFile(join(folder, 'models.lock.yaml'), 'utf8');
  const { code, stdout, stderr, asked } = await run('outdated');
  expect(code).toBe(0);
  const [before, after] = [
    short(/^ {2}one:[\s\S]*?revision: (\w+)/m.exec(lock)?.[1] ?? ''),
    short(hub.sha('org/one')),
  ];
  expect(stdout).toMatch(new RegExp(`^one +${before} +${after} +\\+1 ~1 -1 +400 kB$`, 'm'));
  expect(stdout).toContain(
    `~ one: ${before} → ${after}\n  ~ model.joblib 300 kB → 400 kB\n  + new.txt 3 B\n  - old.txt 3 B\n`,
  );
  expect(stderr).toContain('3 up to date, 1 outdated');
  expect(stderr).toContain('next: run `modelcars lock --upgrade one`');
  // Only the first bytes, for the check that the model is complete.
  const read = asked.filter(({ part }) => part === 'cdn').reduce((sum, { bytes }) => sum + bytes, 0);
  expect(read).toBeLessThan(10_000);
  expect(await readFile(join(folder, 'models.lock.yaml'), 'utf8')).toBe(lock);
  expect((await run('outdated', '--exit-code')).code).toBe(3);
  expect((await run('outdated', '--exit-code', 'two', 'fixed')).code).toBe(0);
});

test('--json has every field', async () => {
  const { code, stdout, stderr } = await run('outdated', 'one', 'two', '--json', '--exit-code');
  expect([code, stderr]).toEqual([3, '']);
  const document = JSON.parse(stdout);
  expect(document).toMatchObject({ command: 'outdated', ok: true, next: ['modelcars lock --upgrade one'] });
  const [one, two] = document.models;
  expect(one).toMatchObject({
    model: 'one',
    status: 'outdated',
    newest: hub.sha('org/one'),
    size: 400_003,
    files: [
      { path: 'model.joblib', change: 'changed', from: { size: 300_000 }, to: { size: 400_000 } },
      { path: 'new.txt', change: 'added', to: { size: 3 } },
      { path: 'old.txt', change: 'removed', from: { size: 3 } },
    ],
    bases: [],
  });
  const revision = hub.sha('org/two');
  expect(two).toEqual({
    ...{ model: 'two', status: 'up to date', locked: revision, newest: revision },
    ...{ files: [], fields: [], size: 0, bases: [] },
  });
});

test('a model that fails hides no other, and one without an entry is not locked', async () => {
  await write(entry('other'), entry('none'));
  const { 'model.joblib': _, ...broken } = newer;
  await hub.commit('org/two', broken);
  const { code, stdout, stderr } = await run('outdated', '--exit-code');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^one .*400 kB$/m);
  expect(stdout).toMatch(/^two +[0-9a-f]{12} +failed +- +-$/m);
  expect(stdout).toMatch(/^other +not locked +- +- +-$/m);
  expect(stdout).toMatch(/^none +not locked +/m);
  expect(stderr).toContain('error: two: resolve model two: sklearn needs');
  expect(stderr).toContain('2 up to date, 1 outdated, 2 not locked, 1 failed');
  expect(stderr).toContain('next: run `modelcars lock other none`');
  await hub.commit('org/two', files);
  expect((await run('outdated', 'other', '--exit-code')).code).toBe(3);
});

test('local content, a changed base digest and a missing platform are outdated', async () => {
  await writeFile(join(folder, 'files/model.joblib'), 'changed');
  const file = join(folder, 'models.lock.yaml');
  const lock = await readFile(file, 'utf8');
  const old = `sha256:${'1'.repeat(64)}`;
  await writeFile(file, lock.replace(/(linux\/amd64: )sha256:\w+/, `$1${old}`));
  const { stdout } = await run('outdated', 'local', 'two');
  expect(stdout).toMatch(/^local +sha256:\w{12} +sha256:\w{12} +~1 base +7 B$/m);
  expect(stdout).toMatch(/^two +\w{12} +\w{12} +base +-$/m);
  expect(stdout.match(/^~ base embedded linux\/amd64: sha256:1{12} → sha256:\w{12}$/gm)).toHaveLength(1);
  await writeFile(file, lock.replace(/\n +linux\/arm64: sha256:\w+/, ''));
  expect((await run('outdated', 'two')).stdout).toMatch(/^\+ base embedded linux\/arm64: sha256:/m);
});
