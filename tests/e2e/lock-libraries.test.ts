/** The versions of a model's libraries in the lock, and the warning for those that the runtime's image lacks. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { makeCatalog } from '../parts/cli.ts';
import { tryInside } from '../parts/inside.ts';
import { startWeb } from '../parts/web.ts';
import * as p from '../support/pickles.ts';

let folder: string;
const lock = (...more: string[]) => tryInside(['lock', '--base', 'embedded', ...more], { cwd: folder });
const lockFile = () => readFile(join(folder, 'models.lock.yaml'), 'utf8');
const svm = (version: string, more: Record<string, Buffer> = {}) =>
  p.file(p.object('sklearn.svm', 'SVC', { ...more, _sklearn_version: p.str(version) }));
const newer = svm('1.7.2', { random_state: p.named('numpy.random._mt19937', 'MT19937') });
const warning =
  /warning.*newer: it was made with numpy 2 \(it has 1\.26\.4\) and scikit-learn 1\.7\.2 \(it has 1\.5\.2\)/;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-libraries-'));
  await makeCatalog(folder, [
    { name: 'newer', framework: 'sklearn', files: { 'model.joblib': newer } },
    { name: 'same', framework: 'sklearn', files: { 'model.joblib': svm('1.5.0') } },
    {
      name: 'elsewhere',
      framework: 'sklearn',
      files: { 'model.joblib': newer },
      more: { serving: { runtime: 'my-mlserver' } },
    },
    { name: 'text', framework: 'sklearn', files: { 'model.joblib': 'no pickle' } },
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the lock has the versions; a model that the runtime’s image may not load is a warning, at each lock', async () => {
  const text = await lockFile();
  expect(text).toContain('    libraries:\n      numpy: "2"\n      scikit-learn: 1.7.2\n    include:');
  expect(text.match(/libraries:/g)).toHaveLength(3);
  const { code, stderr } = await lock();
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(warning);
  expect(stderr).toContain('models.lock.yaml: unchanged');
  expect(stderr).not.toMatch(/(same|elsewhere|text): it was made/);
  expect(await lockFile()).toBe(text);
});

test('an upgrade of a model that did not move changes nothing', async () => {
  const { code, stderr } = await lock('--upgrade', '--exit-code');
  expect(code, stderr).toBe(0);
  const { models } = JSON.parse((await lock('--upgrade', '--json')).stdout);
  expect(new Set(models.map(({ status }: { status: string }) => status))).toEqual(new Set(['unchanged']));
});

test('`list` shows both', async () => {
  const { stdout } = await tryInside(['list', 'newer', '--base', 'embedded', '--json'], { cwd: folder });
  expect(JSON.parse(stdout)).toMatchObject({
    models: [{ lock: { state: 'locked', libraries: { numpy: '2', 'scikit-learn': '1.7.2' } } }],
  });
  const { stdout: shown, stderr } = await tryInside(['list', 'newer'], { cwd: folder });
  expect(`${shown}${stderr}`).toContain('scikit-learn 1.7.2 (it has 1.5.2)');
});

test('`inspect` shows those of the image that the lock has, and none of another', async () => {
  const run = (...words: string[]) => tryInside(words, { cwd: folder });
  const build = [
    'build',
    'newer',
    'text',
    '--base',
    'embedded',
    '--platform',
    'linux/amd64',
    '--version',
    'v1.0.0',
  ];
  expect((await run(...build)).code).toBe(0);
  const { stdout } = await run('inspect', 'newer:v1.0.0', '--json');
  expect(JSON.parse(stdout).libraries).toEqual({ numpy: '2', 'scikit-learn': '1.7.2' });
  expect((await run('inspect', 'newer:v1.0.0')).stdout).toContain('libraries  numpy 2, scikit-learn 1.7.2\n');
  for (const words of [['text:v1.0.0'], ['newer:v1.0.0', '-f', 'other.yaml']])
    expect(JSON.parse((await run('inspect', ...words, '--json')).stdout)).not.toHaveProperty('libraries');
});

test('a lock without them, as an older modelcars wrote it, is up to date and stays as it is', async () => {
  const text = await lockFile();
  const old = text.replaceAll(/ {4}libraries:\n(?: {6}.*\n)+/g, '');
  expect(old).not.toContain('libraries');
  await writeFile(join(folder, 'models.lock.yaml'), old);
  expect((await lock('--frozen')).code).toBe(0);
  expect((await lock('--exit-code')).code).toBe(0);
  expect(await lockFile()).toBe(old);
  // A changed file is resolved anew, and gets them.
  await writeFile(join(folder, 'files/newer/model.joblib'), svm('1.6.1'));
  expect((await lock('newer')).stderr).toContain('scikit-learn 1.6.1 (it has 1.5.2)');
  expect((await lockFile()).match(/libraries:/g)).toHaveLength(1);
});

test.each([
  ['40 MB', 40_000_000, true],
  ['65 MiB', 65 * 1024 ** 2, false],
])('of a model on a web server of %s little is read, or nothing', async (_, size, named) => {
  const array = p.joblibArray('f8', [size / 8], Buffer.alloc(size));
  await using web = await startWeb('model.joblib', svm('1.7.2', { support_vectors_: array }));
  const at = await mkdtemp(join(folder, 'remote-'));
  const models = [{ name: 'far', framework: 'sklearn', source: web.url }];
  await writeFile(join(at, 'models.yaml'), stringify({ models }));
  const { code, stderr } = await tryInside(['lock', '--base', 'embedded'], { cwd: at });
  expect(code, stderr).toBe(0);
  const text = await readFile(join(at, 'models.lock.yaml'), 'utf8');
  expect(text.includes('scikit-learn: 1.7.2')).toBe(named);
  // The first request is for the hash; the versions are behind the array.
  const [, ...later] = web.requests;
  expect(later.map(({ start }) => start)).toEqual(named ? [0, 0, expect.any(Number)] : []);
  // What the sockets hold is sent, but not read.
  expect(later.every(({ sent }) => sent < 20_000_000)).toBe(true);
});
