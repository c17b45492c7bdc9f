/** `lock --dry-run`: reports changes as text, as JSON and as an exit code, and writes nothing. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCatalog } from '../parts/cli.ts';
import { tryInside } from '../parts/inside.ts';

let folder: string;
const read = (name: string) => readFile(join(folder, name), 'utf8');
const lock = (...more: string[]) => tryInside(['lock', '--base', 'embedded', ...more], { cwd: folder });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-dry-'));
  await makeCatalog(folder, [
    { name: 'iris', framework: 'sklearn', files: { 'model.joblib': 'one' } },
    { name: 'rose', framework: 'sklearn', files: { 'model.joblib': 'two' } },
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('nothing changed: exit code 0 with and without --exit-code', async () => {
  const { code, stdout, stderr } = await lock('--dry-run', '--exit-code');
  expect(code).toBe(0);
  expect(stdout).not.toMatch(/^[+~-] /m);
  expect(stderr).toContain('models.lock.yaml: would stay as it is');
  expect(JSON.parse((await lock('--dry-run', '--json', '--exit-code')).stdout)).toMatchObject({
    change: 'unchanged',
    changes: { models: [], bases: [] },
  });
});

test('a changed source and a removed model are reported and not written; exit code 3 with --exit-code', async () => {
  await writeFile(join(folder, 'files/iris/model.joblib'), 'another');
  await writeFile(join(folder, 'files/iris/README.md'), 'new');
  const catalog = await read('models.yaml');
  await writeFile(join(folder, 'models.yaml'), catalog.replace(/ {2}- name: rose[\s\S]*$/, ''));
  const before = await read('models.lock.yaml');

  const plain = await lock('--dry-run', '--exit-code');
  expect(plain.code).toBe(3);
  expect(plain.stdout).toMatch(/^~ iris: sha256:[0-9a-f]{12} → sha256:[0-9a-f]{12}$/m);
  expect(plain.stdout).toContain('  + README.md 3 B\n  ~ model.joblib 3 B → 7 B\n- rose: sha256:');
  expect(plain.stderr).toContain('models.lock.yaml: would change');

  const json = await lock('--dry-run', '--json');
  expect(json.code).toBe(0);
  expect(JSON.parse(json.stdout)).toMatchObject({
    ok: true,
    dryRun: true,
    change: 'changed',
    changes: {
      models: [
        {
          model: 'iris',
          change: 'changed',
          files: [
            { path: 'README.md', change: 'added', to: { size: 3 } },
            { path: 'model.joblib', change: 'changed', from: { size: 3 }, to: { size: 7 } },
          ],
        },
        { model: 'rose', change: 'removed' },
      ],
      bases: [],
    },
  });
  expect(await read('models.lock.yaml')).toBe(before);

  const written = await lock('--exit-code');
  expect(written.code).toBe(3);
  expect(written.stdout).toContain('~ model.joblib 3 B → 7 B');
  expect((await lock('--exit-code')).code).toBe(0);
});

test('a failure is 1 also with --exit-code', async () => {
  await rm(join(folder, 'files/iris/model.joblib'));
  expect((await lock('--dry-run', '--exit-code')).code).toBe(1);
});

test('--json --dry-run of a catalog without a lock says that one would be created', async () => {
  await writeFile(join(folder, 'files/iris/model.joblib'), 'back');
  await rm(join(folder, 'models.lock.yaml'));
  const { stdout } = await lock('--dry-run', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ change: 'created', changes: { models: [{ change: 'added' }] } });
});
