/** `lock` keeps entries that hold, without a request for them; `--upgrade` moves them; a failure loses no other entry. */
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readLock } from '../../scripts/catalog/lockfile.ts';
import { pushBase } from '../parts/bases.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { tryInside } from '../parts/inside.ts';
import { startWeb } from '../parts/web.ts';
import { startFake } from '../support/fake-registry.ts';

const model = { 'model.joblib': { size: 200_000, generate: 1 }, 'README.md': '# one\n' };
const moved = { ...model, 'README.md': '# two\n', 'NOTES.md': 'new' };
const base = { base: 'embedded', platforms: ['linux/amd64'] };

let hub: Hub;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-upgrade-'));
  const models = Object.fromEntries(['one', 'two', 'three'].map((name) => [`org/${name}`, { files: model }]));
  hub = await startHub({ models });
  await mkdir(join(folder, 'files'));
  await writeFile(join(folder, 'files/model.joblib'), 'local');
});
afterEach(async () => {
  await hub.stop();
  await rm(folder, { recursive: true, force: true });
});

const one = { name: 'one', framework: 'sklearn', source: 'hf://org/one', include: ['*'] };
const two = { name: 'two', framework: 'sklearn', source: 'hf://org/two', include: ['*'] };
const local = { name: 'local', framework: 'sklearn', source: 'file:files', include: ['*'] };
const write = (models: object[], defaults: object = base, file = 'models.yaml') =>
  writeFile(join(folder, file), stringify({ defaults, models }));
const run = async (...args: string[]) => {
  const before = hub.requests().length;
  const env = { HF_ENDPOINT: hub.url, HF_HOME: join(folder, 'hf'), HF_TOKEN: undefined };
  const result = await tryInside([...args, '--no-progress'], { cwd: folder, env });
  return { ...result, asked: hub.requests().slice(before) };
};
const lockOf = async (file = 'models.lock.yaml') => {
  const lock = await readLock(join(folder, file));
  if (lock === undefined) throw new Error('no lock');
  return lock;
};
const text = () => readFile(join(folder, 'models.lock.yaml'), 'utf8');

test('an entry that holds stays without a request; --upgrade moves the named models only', async () => {
  await write([one, two, local]);
  expect(await run('lock')).toMatchObject({ code: 0 });
  const before = await text();
  const [first, second] = [hub.sha('org/one'), hub.sha('org/two')];
  for (const name of ['org/one', 'org/two']) await hub.commit(name, moved);

  for (const words of [
    ['lock'],
    ['lock', 'one'],
    ['lock', '--exit-code'],
    ['lock', '--dry-run', '--exit-code'],
  ]) {
    expect([words, await run(...words)]).toEqual([words, expect.objectContaining({ code: 0, asked: [] })]);
    expect(await text()).toBe(before);
  }

  const planned = await run('lock', '--upgrade', 'one', '--dry-run', '--exit-code');
  expect(planned).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('models.lock.yaml: would change'),
  });
  expect(await text()).toBe(before);
  const upgraded = await run('lock', '--upgrade', 'one');
  expect(upgraded.code).toBe(0);
  expect(upgraded.stdout).toContain('  + NOTES.md 3 B\n  ~ README.md 6 B, other bytes');
  expect(upgraded.asked.filter(({ path }) => path.includes('org/two'))).toEqual([]);
  expect((await lockOf()).models).toMatchObject({
    one: { revision: hub.sha('org/one') },
    two: { revision: second },
  });
  expect(hub.sha('org/one')).not.toBe(first);

  expect(await run('lock', '--upgrade', '--exit-code')).toMatchObject({ code: 3 });
  expect((await lockOf()).models.two?.revision).toBe(hub.sha('org/two'));
  expect(await run('lock', '--upgrade', '--exit-code')).toMatchObject({ code: 0 });
});

test('only what models.yaml changed is resolved: a new model, other globs at the locked commit, a platform', async () => {
  await write([one, two]);
  await run('lock');
  const before = await lockOf();
  for (const name of ['org/one', 'org/two']) await hub.commit(name, moved);
  const three = { ...one, name: 'three', source: 'hf://org/three' };
  await write([{ ...one, exclude: ['README.md'] }, two, three], {
    ...base,
    platforms: ['linux/amd64', 'linux/arm64'],
  });
  const { code, asked, stdout } = await run('lock');
  expect(code).toBe(0);
  expect(asked.filter(({ path }) => path.includes('org/two'))).toEqual([]);
  const after = await lockOf();
  expect(after.models.two).toEqual(before.models.two);
  expect(after.models.one?.revision).toBe(before.models.one?.revision);
  expect(after.models.one?.files.map(({ path }) => path)).toEqual(['model.joblib']);
  expect(after.models.three?.revision).toBe(hub.sha('org/three'));
  expect(Object.keys(after.bases.embedded ?? {})).toEqual(['linux/amd64', 'linux/arm64']);
  expect(after.bases.embedded).toMatchObject(before.bases.embedded ?? {});
  expect(stdout).toContain('(`exclude` changed)\n  - README.md 6 B');
  // Another source is another model.
  await write([{ ...one, source: 'hf://org/two' }, two, three]);
  await run('lock');
  expect((await lockOf()).models.one?.revision).toBe(hub.sha('org/two'));
});

test('changed, added and removed local files are locked without --upgrade', async () => {
  await write([local]);
  await run('lock');
  await appendFile(join(folder, 'files/model.joblib'), 'more');
  expect((await run('lock')).stdout).toContain('  ~ model.joblib 5 B → 9 B');
  await writeFile(join(folder, 'files/LICENSE'), 'MIT');
  expect((await run('lock')).stdout).toContain('  + LICENSE 3 B');
  expect(await run('lock', '--exit-code')).toMatchObject({ code: 0 });
  await rm(join(folder, 'files/LICENSE'));
  expect((await run('lock')).stdout).toContain('  - LICENSE 3 B');
});

test('a changed licence file of a hub model keeps the commit', async () => {
  await writeFile(join(folder, 'LICENSE'), 'MIT');
  await write([{ ...one, files: { LICENSE: 'file:LICENSE' } }]);
  await run('lock');
  const { revision } = (await lockOf()).models.one ?? {};
  await hub.commit('org/one', moved);
  await writeFile(join(folder, 'LICENSE'), 'Apache');
  expect((await run('lock')).stdout).toContain('  ~ LICENSE 3 B → 6 B');
  expect((await lockOf()).models.one?.revision).toBe(revision);
});

test('a source with a full commit does not move, and --upgrade says so', async () => {
  await write([{ ...one, source: `hf://org/one:${hub.sha('org/one')}` }]);
  await run('lock');
  const before = await text();
  const commit = hub.sha('org/one');
  await hub.commit('org/one', moved);
  const env = { HF_ENDPOINT: hub.url, HF_TOKEN: undefined };
  const { code, stderr } = await tryInside(['lock', '--upgrade', '--exit-code'], { cwd: folder, env });
  expect(code).toBe(0);
  expect(stderr).toContain(`one: \`source\` names commit ${commit}, which does not move`);
  expect(await text()).toBe(before);
});

test('the file of a URL and the base of a registry stay without a request, until --upgrade', async () => {
  const content = Buffer.alloc(5000, 1);
  await using web = await startWeb('model.joblib', content);
  await using registry = await startFake();
  const { reference } = await pushBase(registry.host, 'bases/shell', 'one');
  const far = { name: 'far', framework: 'sklearn', source: web.url };
  await write([far], { ...base, base: reference });
  expect(await run('lock')).toMatchObject({ code: 0 });
  const before = await lockOf();
  content.fill(2);
  await pushBase(registry.host, 'bases/shell', 'two');
  const reset = () => {
    registry.requests.length = 0;
    web.forget();
  };

  reset();
  expect(await run('lock', '--exit-code')).toMatchObject({ code: 0 });
  expect([registry.requests, web.requests]).toEqual([[], []]);

  const compared = await run('outdated', '--exit-code');
  expect(compared.code).toBe(3);
  expect(compared.stdout).toMatch(/^far +sha256:\w{12} +sha256:\w{12} +~1 base +5\.0 kB$/m);
  expect(registry.requests.filter(({ path }) => path.includes('/blobs/'))).toEqual([]);
  expect(await lockOf()).toEqual(before);

  expect(await run('lock', '--upgrade')).toMatchObject({ code: 0 });
  const after = await lockOf();
  expect(after.models.far?.revision).not.toBe(before.models.far?.revision);
  expect(after.bases[reference]).not.toEqual(before.bases[reference]);
});

test('--layers adds the layers of an entry that holds, at its commit', async () => {
  await write([one]);
  await run('lock');
  const before = await lockOf();
  await hub.commit('org/one', moved);
  // A lock does not depend on what this machine happens to have built.
  expect(await run('build', '--unsafe-files', 'allow')).toMatchObject({ code: 0 });
  expect(await run('lock', '--exit-code')).toMatchObject({ code: 0, asked: [] });
  expect(await run('lock', '--layers')).toMatchObject({ code: 0 });
  const after = await lockOf();
  expect(after.models.one?.layers?.length).toBeGreaterThan(0);
  expect({ ...after.models.one, layers: undefined }).toEqual({ ...before.models.one, layers: undefined });
  expect(await run('lock', '--layers')).toMatchObject({ code: 0, asked: [] });
});

test('a failing model keeps its previous entry, and the others get theirs', async () => {
  await write([one, two]);
  await run('lock');
  const before = await lockOf();
  await hub.commit('org/one', moved);
  const { 'model.joblib': _, ...broken } = moved;
  await hub.commit('org/two', broken);
  const three = { ...one, name: 'three', source: 'hf://org/none' };
  const upgrade = await run('lock', '--upgrade');
  expect(upgrade.code).toBe(1);
  expect(upgrade.stderr).toContain(
    'models.lock.yaml: changed; 1 of 2 models failed and keeps its previous entry',
  );
  const after = await lockOf();
  expect(after.models.one?.revision).toBe(hub.sha('org/one'));
  expect(after.models.two).toEqual(before.models.two);

  await write([one, two, three]);
  const missing = await run('lock');
  expect(missing).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('1 of 3 models failed and has no entry'),
  });
  const planned = await run('lock', '--upgrade', '--dry-run', '--exit-code');
  expect(planned.code).toBe(1);
  expect(planned.stderr).toContain('2 of 3 models failed: 1 with the previous entry, 1 without an entry');
  expect(await lockOf()).toEqual(after);
});

test('when every model fails and no lock exists, none is written', async () => {
  await write([{ ...one, source: 'hf://org/none' }]);
  const { code, stderr } = await run('lock');
  expect(code).toBe(1);
  expect(stderr).toContain('models.lock.yaml: not written; 1 of 1 models failed and has no entry');
  await expect(text()).rejects.toThrow('ENOENT');
});

test('removed models are listed; those of another catalog without a lock stop the run', async () => {
  await write([one, local]);
  await run('lock');
  const before = await text();
  await write([one]);
  await write([local], base, 'dev.yaml');
  const refused = await run('lock');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(
    'lock models.yaml: models.lock.yaml also pins local of dev.yaml, which has no lock of its own',
  );
  expect(refused.stderr).toContain('`cp models.lock.yaml dev.lock.yaml`');
  expect(await text()).toBe(before);
  await writeFile(join(folder, 'dev.lock.yaml'), before);
  const { code, stdout } = await run('lock');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^- local: sha256:[0-9a-f]{12}, 1 file, 5 B; dev\.yaml has it$/m);
  expect(Object.keys((await lockOf()).models)).toEqual(['one']);
  const json = JSON.parse((await run('lock', '-f', 'dev.yaml', '--json')).stdout);
  expect(json.changes.models).toMatchObject([
    { model: 'one', change: 'removed', catalog: join(folder, 'models.yaml') },
  ]);
});

test('--upgrade and --frozen exclude each other', async () => {
  await write([local]);
  expect(await run('lock', '--upgrade', '--frozen')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--upgrade and --frozen exclude each other'),
  });
});

test('a commit that the hub no longer has: the next step is the upgrade of this model', async () => {
  await write([one], base, 'dev.yaml');
  await run('lock', '-f', 'dev.yaml');
  const lock = join(folder, 'dev.lock.yaml');
  const gone = 'ab'.repeat(20);
  await writeFile(lock, (await readFile(lock, 'utf8')).replace(hub.sha('org/one'), gone));
  await write([{ ...one, exclude: ['*.md'] }], base, 'dev.yaml');
  const { code, stderr } = await run('lock', '-f', 'dev.yaml');
  expect(code).toBe(1);
  expect(stderr).toContain(`the repository has no commit ${gone} any more`);
  expect(stderr).toContain('next: run `modelcars lock --upgrade one -f dev.yaml`');
  expect(await run('lock', '--upgrade', 'one', '-f', 'dev.yaml')).toMatchObject({ code: 0 });
});
