import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { modelcarsInside } from '../../tests/support/run-inside.ts';

// Each run of modelcars is short, but the machine may be busy, and a push of signatures waits a second.
vi.setConfig({ hookTimeout: 120_000 });

const sample = fileURLToPath(new URL('../../frameworks/sklearn/model.joblib', import.meta.url));
const readme =
  '---\nlanguage: de\nlicense: mit\npipeline_tag: tabular-classification\n---\n# Irises of the card\n';

let folder: string;

/** A new folder with a locked catalog. */
async function setUp(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-pages-'));
  for (const name of ['iris', 'wine']) {
    await mkdir(join(folder, name));
    await cp(sample, join(folder, name, 'model.joblib'));
  }
  await writeFile(join(folder, 'iris/README.md'), readme);
  await writeModels('iris', 'wine');
  expect(await run('lock')).toMatchObject({ code: 0 });
}
const tearDown = () => rm(folder, { recursive: true, force: true });

const run = (...words: string[]) =>
  modelcarsInside(words, {
    cwd: folder,
    env: { MODELCARS_STORE: join(folder, 'store'), DOCKER_CONFIG: folder },
  });

/** models.yaml with these models; `head` goes before them. */
async function writeModels(...names: string[]): Promise<void> {
  const head =
    'version: v1.0.0\ndefaults: {base: embedded, platforms: [linux/amd64, linux/arm64]}\nmodels:\n';
  const entries = names.map((name) => `  - {name: ${name}, framework: sklearn, source: "file:${name}"}\n`);
  await writeFile(join(folder, 'models.yaml'), head + entries.join(''));
}
const page = (path: string) => readFile(join(folder, 'site', path), 'utf8');
const filesOf = async (path = 'site') => (await readdir(join(folder, path), { recursive: true })).sort();

describe('without a registry', () => {
  beforeEach(setUp);
  afterEach(tearDown);

  test('writes a page and a manifest for each model, and the same bytes again', async () => {
    const first = await run('catalog', '--registry', 'quay.io/me', '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({
      files: 5,
      written: 5,
      removed: [],
      models: [
        { model: 'iris', repository: 'quay.io/me/iris', card: 'shown', signature: 'unexamined' },
        { model: 'wine', card: 'none' },
      ],
    });
    const files = await filesOf();
    expect(files).toEqual([
      '.modelcars-catalog.json',
      'index.html',
      'models',
      ...['iris.html', 'iris.yaml', 'wine.html', 'wine.yaml'].map((name) => `models/${name}`),
    ]);
    const iris = await page('models/iris.html');
    expect(iris).toContain('<h3>Irises of the card</h3>');
    expect(iris).toContain('<dt>Licence</dt><dd>MIT</dd>');
    expect(iris).toContain('<dt>Languages</dt><dd>de</dd>');
    const manifest = await run('manifest', 'iris', '--registry', 'quay.io/me');
    expect(await page('models/iris.yaml')).toBe(manifest.stdout);
    // A path of this machine is not for other people.
    expect(iris + (await page('index.html'))).not.toMatch(/file:|modelcars-pages/);

    const before = await stat(join(folder, 'site/index.html'));
    expect(await run('catalog', '--registry', 'quay.io/me')).toMatchObject({
      code: 0,
      stdout: 'site: 2 models, 0 of 5 files written\n',
    });
    expect((await stat(join(folder, 'site/index.html'))).ino).toBe(before.ino);
    await run('catalog', '--registry', 'quay.io/me', '--output', 'elsewhere', '--concurrency', '1');
    for (const name of files.filter((one) => one.includes('.')))
      expect(await readFile(join(folder, 'elsewhere', name), 'utf8')).toBe(await page(name));
  });

  describe('a second run', () => {
    test('removes pages of models that are gone, and nothing else', async () => {
      await run('catalog', '--registry', 'quay.io/me');
      await writeFile(join(folder, 'site/CNAME'), 'models.example.com\n');
      await writeFile(join(folder, 'site/models/other.html'), 'not ours');
      await writeModels('iris');
      const { code, stdout } = await run('catalog', '--registry', 'quay.io/me', '--json');
      expect(code).toBe(0);
      expect(JSON.parse(stdout).removed).toEqual(['models/wine.html', 'models/wine.yaml']);
      expect(await filesOf()).toEqual([
        ...['.modelcars-catalog.json', 'CNAME', 'index.html', 'models'],
        ...['iris.html', 'iris.yaml', 'other.html'].map((name) => `models/${name}`),
      ]);
    });

    test('keeps a page that somebody changed, and says so', async () => {
      await run('catalog');
      await writeFile(join(folder, 'site/models/wine.html'), 'changed by hand');
      await writeModels('iris');
      expect((await run('catalog')).stderr).toContain('models/wine.html: not removed from site');
      expect(await page('models/wine.html')).toBe('changed by hand');
    });

    test('trusts no path of its record', async () => {
      await run('catalog');
      await writeFile(join(folder, 'precious'), '');
      const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
      const files = { '../precious': [empty], 'models/../../precious': [empty] };
      await writeFile(join(folder, 'site/.modelcars-catalog.json'), JSON.stringify({ version: 1, files }));
      // Without a record of them, the pages are files in the way; these are unchanged.
      expect(await run('catalog')).toMatchObject({ code: 0 });
      expect(await filesOf('.')).toContain('precious');
    });
  });

  test('overwrites no file that it did not write', async () => {
    await mkdir(join(folder, 'site'));
    await writeFile(join(folder, 'site/index.html'), 'precious');
    const { code, stderr } = await run('catalog');
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('a file is in the way that modelcars did not write'),
    ]);
    expect(await page('index.html')).toBe('precious');
    expect(await filesOf()).toEqual(['index.html', 'models']);
  });

  test('shows no model card that differs from the lock', async () => {
    await writeFile(join(folder, 'iris/README.md'), readme.replace('Irises', 'Tulips'));
    const { code, stderr } = await run('catalog');
    expect([code, stderr]).toEqual([0, expect.stringContaining('iris: its model card is left out')]);
    expect(await page('models/iris.html')).toContain('could not be read');
    await run('lock');
    await run('build');
    // The image has the locked card, wherever the source is now.
    await rm(join(folder, 'iris/README.md'));
    expect(await run('catalog')).toMatchObject({ code: 0 });
    expect(await page('models/iris.html')).toContain('Tulips of the card');
  });

  test('says which model is not locked', async () => {
    await rm(join(folder, 'models.lock.yaml'));
    const { code, stderr } = await run('catalog', 'iris');
    expect([code, stderr]).toEqual([0, expect.stringContaining('iris: the lock does not have it')]);
    expect(await page('models/iris.html')).toContain('<dt>State</dt><dd>not locked</dd>');
  });

  test('--format odh writes a source for the catalog service, and needs a registry', async () => {
    const { code, stderr } = await run('catalog', '--format', 'odh');
    expect([code, stderr]).toEqual([2, expect.stringContaining('no registry is given')]);
    expect(await run('catalog', '--format', 'odh', '--registry', 'quay.io/me')).toMatchObject({
      code: 0,
      stdout: 'odh: 2 models, 2 of 2 files written\n',
    });
    expect(await filesOf('odh')).toEqual(['.modelcars-catalog-odh.json', 'modelcars.yaml', 'sources.yaml']);
    const text = await readFile(join(folder, 'odh/modelcars.yaml'), 'utf8');
    expect(text).toMatch(/uri: oci:\/\/quay\.io\/me\/iris@sha256:[0-9a-f]{64}\n/);
    expect(text).toContain('# Irises of the card');
  });
});

describe('--remote', () => {
  let registry: FakeRegistry;
  let remote: string[];
  beforeAll(async () => {
    await setUp();
    registry = await startFake({ referrersPage: 10 });
    remote = ['--registry', `${registry.host}/me`];
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(join(folder, 'own.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(join(folder, 'own.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    expect(await run('push', 'iris', ...remote, '--sign', '--attest', '--key', 'own.key')).toMatchObject({
      code: 0,
    });
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await tearDown();
  });

  const trusting = async (key: string) => {
    await writeModels('iris', 'wine');
    const text = await readFile(join(folder, 'models.yaml'), 'utf8');
    await writeFile(join(folder, 'models.yaml'), `trust: {signers: [{key: ${key}}]}\n${text}`);
  };

  test('shows what the registry has: versions, the card of the image, and what is not pushed', async () => {
    await rm(join(folder, 'iris'), { recursive: true });
    expect(await run('catalog', '--remote', ...remote)).toMatchObject({
      code: 0,
      stderr: expect.not.stringContaining('card'),
    });
    const iris = await page('models/iris.html');
    expect(iris).toContain('Irises of the card');
    expect(iris).toMatch(
      /<h2>Versions<\/h2>\n<dl><dt>v1\.0\.0<\/dt><dd><code class="digest">sha256:[0-9a-f]{64}/,
    );
    expect(iris).toContain('<dt>State</dt><dd>in the registry</dd>');
    expect(iris).toContain('Not verified</span> signatures are attached');
    expect(iris).toContain('Provenance (SLSA), not verified');
    const wine = await page('models/wine.html');
    expect(wine).toContain('<dt>State</dt><dd>not in the registry</dd>');
    expect(wine).not.toContain('kubectl');
  });

  test('names the signers that the catalog trusts', async () => {
    await trusting('own.pub');
    await run('catalog', 'iris', '--remote', ...remote);
    const iris = await page('models/iris.html');
    expect(iris).toContain('<span class="tag ok">Signed</span> every platform, by key own.pub');
    expect(iris).toContain('Bill of materials (CycloneDX) by key own.pub');
    expect(await page('index.html')).toContain('<li class="tag ok">Signed</li>');
  });

  test('calls no other signer trusted', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(join(folder, 'other.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    await trusting('other.pub');
    await run('catalog', 'iris', '--remote', ...remote);
    const iris = await page('models/iris.html');
    expect(iris).toContain('<span class="tag bad">Not trusted</span>');
    expect(iris).toContain('<dt>Attestations</dt><dd>none</dd>');
  });

  test('writes nothing when the registry fails', async () => {
    await writeModels('iris');
    const broken = ['--registry', 'registry.invalid/me', '--output', 'nothing'];
    expect(await run('catalog', '--remote', ...broken)).toMatchObject({ code: 1 });
    expect(await filesOf('.')).not.toContain('nothing');
  });
});
