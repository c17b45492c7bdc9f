/** Every catalog has a separate lock, and every message names the right one. */
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCatalog } from '../parts/cli.ts';
import { inside, tryInside } from '../parts/inside.ts';

let folder: string;
const read = (name: string) => readFile(join(folder, name), 'utf8');
const at = () => ({ cwd: folder });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-locks-'));
  await makeCatalog(folder, [
    { name: 'iris', framework: 'sklearn', files: { 'model.joblib': 'one' } },
    { name: 'rose', framework: 'sklearn', files: { 'model.joblib': 'two' } },
  ]);
  const dev = (await read('models.yaml'))
    .replace(/ {2}- name: rose[\s\S]*$/, '')
    .replace('models:', 'defaults: {base: embedded}\nmodels:');
  await writeFile(join(folder, 'dev.yaml'), dev);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('two catalogs in one folder have separate locks', async () => {
  const before = await read('models.lock.yaml');
  const { stderr } = await tryInside(['lock', '-f', 'dev.yaml'], at());
  expect(stderr).toContain('dev.lock.yaml: created');
  expect(await read('models.lock.yaml')).toBe(before);
  expect(await read('dev.lock.yaml')).not.toContain('rose');
  expect(JSON.parse(await inside(['list', '-f', 'dev.yaml', '--json'], at()))).toMatchObject({
    lockFile: join(folder, 'dev.lock.yaml'),
    models: [{ name: 'iris', lock: { state: 'locked' } }],
  });
  await inside(['build', '-f', 'dev.yaml', '--frozen', '--dry-run'], at());
  const { models } = JSON.parse(await inside(['split', '-f', 'dev.yaml'], at()));
  expect(models).toMatchObject([{ name: 'iris', lock: expect.stringContaining('  iris:') }]);
});

test('a catalog locked in models.lock.yaml by an earlier version is reported, with the way to keep its pins', async () => {
  await rename(join(folder, 'dev.lock.yaml'), join(folder, 'gone'));
  const advice =
    'models.lock.yaml is not read for dev.yaml; keep what it pins: `cp models.lock.yaml dev.lock.yaml`';
  const frozen = await tryInside(['build', '-f', 'dev.yaml', '--frozen'], at());
  expect(frozen.code).toBe(1);
  expect(frozen.stderr).toContain(advice);
  expect(frozen.stderr).toContain('no dev.lock.yaml');
  expect(frozen.stderr).toContain(
    'run `modelcars lock -f dev.yaml` where it may be written, and commit dev.lock.yaml',
  );
  const free = await tryInside(['build', '-f', 'dev.yaml', '--dry-run'], at());
  expect(free.code).toBe(0);
  expect(free.stderr).toContain(advice);
  expect(free.stderr).toContain(
    'no dev.lock.yaml; building from the current source (`modelcars lock -f dev.yaml` pins it)',
  );
  const listed = await tryInside(['list', '-f', 'dev.yaml'], at());
  expect(listed.stderr).toContain('run `modelcars lock -f dev.yaml` to bring the lock up to date');
  expect((await tryInside(['list'], at())).stderr).not.toContain('dev');
});

test('dev.yml beside dev.yaml is refused by lock: both would write dev.lock.yaml', async () => {
  await writeFile(join(folder, 'dev.yml'), await read('dev.yaml'));
  const { code, stderr } = await tryInside(['lock', '-f', 'dev.yml'], at());
  expect(code).toBe(2);
  expect(stderr).toContain('lock dev.yml: dev.yaml beside it has the same lock, dev.lock.yaml');
  expect(await readdir(folder)).not.toContain('dev.lock.yaml');
});
