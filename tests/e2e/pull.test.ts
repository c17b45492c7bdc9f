import { generateKeyPairSync } from 'node:crypto';
import { appendFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCatalog, noise } from '../parts/cli.ts';
import { inside, tryInside } from '../parts/inside.ts';
import { pages } from '../parts/markdown.ts';
import { missingParts } from '../parts/parts.ts';
import { programLines } from '../parts/recipes.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';

const missing = await missingParts('docker-registry');
const weights = noise(3_000_000, 1);

describe.skipIf(missing)('pull and diff', () => {
  let registry: Registry;
  let folder: string;

  beforeAll(async () => {
    registry = await startRegistry({ kind: 'docker-registry' });
    folder = await mkdtemp(join(tmpdir(), 'modelcars-pull-'));
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(join(folder, 'signing.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(join(folder, 'cosign.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    for (const [version, readme] of [
      ['v1.2.3', 'first'],
      ['v1.2.4', 'second, longer'],
    ] as const) {
      const files = { 'model.joblib': weights, 'README.md': readme };
      await makeCatalog(folder, [{ name: 'iris', framework: 'sklearn', files }], version);
      await appendFile(join(folder, 'models.yaml'), `registry: ${registry.host}/me\n`);
      await inside(['lock', '--base', 'embedded'], { cwd: folder });
      await inside(['push', '--base', 'embedded', '--sign', '--key', 'signing.pem'], { cwd: folder });
    }
  });
  afterAll(async () => {
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  /** Runs a command in an empty folder that has the catalog; returns its results and the blobs that it read. */
  async function run(args: string[], cwd: string) {
    const before = registry.requests().length;
    const result = await tryInside(args, { cwd });
    const requests = registry.requests().slice(before);
    const blobs = requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'));
    return { ...result, blobs: blobs.map(({ path }) => path.split('/').at(-1) as string) };
  }
  async function place(name: string): Promise<string> {
    const path = join(folder, name);
    await mkdir(path);
    for (const file of ['models.yaml', 'models.lock.yaml', 'cosign.pub'])
      await cp(join(folder, file), join(path, file));
    return path;
  }
  const layersOf = async (version: string): Promise<string[]> => {
    const { stdout } = await tryInside(['inspect', `${registry.host}/me/iris:${version}`, '--json'], {
      cwd: folder,
    });
    const { platforms } = JSON.parse(stdout);
    return platforms[0].layers
      .filter(({ files }: { files?: unknown }) => files)
      .map(({ digest }: { digest: string }) => digest);
  };

  test('pull reads each layer of the model once, and nothing when the folder has the files', async () => {
    const cwd = await place('once');
    const first = await run(['pull', 'iris', '--json'], cwd);
    expect(first.code, first.stderr).toBe(0);
    const layers = await layersOf('v1.2.4');
    expect(first.blobs.filter((digest) => layers.includes(digest)).sort()).toEqual(layers.toSorted());
    expect(JSON.parse(first.stdout).checks.map(({ rule }: { rule: string }) => rule)).toEqual([
      'layers',
      'annotations',
      'lock',
    ]);
    expect((await readFile(join(cwd, 'iris/model.joblib'))).equals(weights)).toBe(true);
    expect(await readFile(join(cwd, 'iris/README.md'), 'utf8')).toBe('second, longer');
    expect((await readdir(cwd)).filter((name) => name.startsWith('.'))).toEqual([]);

    const again = await run(['pull', 'iris', '--json'], cwd);
    expect(JSON.parse(again.stdout)).toMatchObject({ status: 'unchanged', received: 0 });
    expect(again.blobs.filter((digest) => layers.includes(digest))).toEqual([]);
  });

  test('a folder with other files stays, unless --replace is given', async () => {
    const cwd = await place('occupied');
    await mkdir(join(cwd, 'iris'));
    await writeFile(join(cwd, 'iris/mine.txt'), 'mine');
    const refused = await run(['pull', 'iris'], cwd);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('exists, with other files')]);
    expect(await readdir(join(cwd, 'iris'))).toEqual(['mine.txt']);
    expect((await run(['pull', 'iris', '-o', '.', '--replace'], cwd)).stderr).toContain('the current folder');
    expect((await run(['pull', 'iris', '--replace'], cwd)).code).toBe(0);
    expect((await readdir(join(cwd, 'iris'))).sort()).toEqual(['README.md', 'model.joblib']);
  });

  test('files that are not those of the lock are refused before a layer is read', async () => {
    const cwd = await place('locked');
    const lock = await readFile(join(cwd, 'models.lock.yaml'), 'utf8');
    await writeFile(join(cwd, 'models.lock.yaml'), lock.replaceAll(/(sha256: ['"]?)[0-9a-f]{4}/g, '$10000'));
    const result = await run(['pull', 'iris'], cwd);
    expect([result.code, result.stderr]).toEqual([1, expect.stringContaining('are not those of')]);
    const layers = await layersOf('v1.2.4');
    expect(result.blobs.filter((digest) => layers.includes(digest))).toEqual([]);
    expect(await readdir(cwd)).not.toContain('iris');
    // An older version is not what the lock describes.
    expect((await run(['pull', 'iris@v1.2.3'], cwd)).code).toBe(0);
  });

  test.each([
    [['pull', 'iris@v1.2.5'], 1, /has no such tag\n.*did you mean v1\.2\.[34]\?/],
    [['pull', 'iris', '--include', '*.txt'], 2, /it has model\.joblib and README\.md/],
    [['pull', 'iris', '--platform', 'linux/s390x'], 2, /no image for linux\/s390x/],
    [['pull', 'iris:v1.2.3', '--key', 'cosign.pub'], 2, /a layout on disk has no signatures/],
    [['diff', 'iris'], 2, /diff compares two images/],
  ])('%j fails with the next step', async (args, code, message) => {
    const result = await run(args, folder);
    expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(message)]);
  });

  test('diff reads no layer, and says what changed', async () => {
    const { code, stdout, blobs } = await run(['diff', 'iris@v1.2.3', ':v1.2.4', '--exit-code'], folder);
    expect(stdout.split('\n')[0]).toBe('only documentation (README.md) changed');
    expect(stdout).toMatch(/changed +README\.md +documentation +5 B +14 B/);
    expect(code).toBe(3);
    const layers = [...(await layersOf('v1.2.3')), ...(await layersOf('v1.2.4'))];
    expect(blobs.filter((digest) => layers.includes(digest))).toEqual([]);
    expect((await run(['diff', 'iris', 'iris', '--exit-code'], folder)).code).toBe(0);
  });

  test('the commands of docs/guide/pull.md do what it says', async () => {
    const cwd = await place('guide');
    const guide = (await pages()).find(({ path }) => path === 'docs/guide/pull.md');
    const lines = programLines({ path: 'guide.md', text: guide?.text ?? '', documents: [] })
      .filter(([command, ...rest]) => (command === 'pull' || command === 'diff') && rest.length > 0)
      .map((line) => line.map((word) => word.replace('quay.io', registry.host)));
    expect(lines.length).toBeGreaterThan(5);
    for (const line of lines) {
      const { code, stderr } = await run(line, cwd);
      expect([line, code, stderr]).toEqual([line, 0, expect.anything()]);
    }
    expect((await readdir(cwd)).sort()).toEqual(
      ['cosign.pub', 'iris', 'models', 'models.lock.yaml', 'models.yaml', 'readme', 'signed'].sort(),
    );
    expect(await readdir(join(cwd, 'readme'))).toEqual(['README.md']);
  });
});
