import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { missingParts, part } from '../parts/parts.ts';
import { type Registry, startRegistry } from '../parts/registry.ts';
import { run } from '../parts/run.ts';
import { readLockText, sha256, writeCatalog } from './_objects.ts';

const missing = await missingParts('distribution', 'crane', 'oras');
/** Larger than what is read rather than skipped. */
const weights = noise(9_000_000, 1);

describe.skipIf(missing)('models in a registry', () => {
  let registry: Registry;
  let folder: string;
  const inFolder = (program: string, args: string[]) =>
    run(program, args, { cwd: folder, env: { ...process.env, DOCKER_CONFIG: join(folder, 'docker') } });
  beforeAll(async () => {
    registry = await startRegistry({ kind: 'distribution', auth: 'basic' });
    folder = await mkdtemp(join(tmpdir(), 'modelcars-oci-'));
    await mkdir(join(folder, 'docker'));
    await mkdir(join(folder, 'models/deep'), { recursive: true });
    await writeFile(join(folder, 'models/model.joblib'), weights);
    await writeFile(join(folder, 'models/deep/config.json'), '{}');
    const auth = Buffer.from(`${registry.username}:${registry.password}`).toString('base64');
    await writeFile(
      join(folder, 'docker/config.json'),
      JSON.stringify({ auths: { [registry.host]: { auth } } }),
    );
  });
  afterAll(async () => {
    await registry?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const catalog = (source: string, more?: string) => writeCatalog(folder, source, more);
  const settings = (env: Record<string, string | undefined> = {}) => ({
    cwd: folder,
    env: { DOCKER_CONFIG: join(folder, 'docker'), ...env },
  });
  const locked = () => readLockText(folder);
  /** Locks a source, expects the two files, and builds and verifies the image from the lock alone. */
  async function expectModel(source: string, prefix = ''): Promise<void> {
    await catalog(source);
    await modelcars(['lock', '--upgrade'], settings());
    const text = await locked();
    expect(text).toContain(
      `- path: ${prefix}deep/config.json\n        size: 2\n        sha256: ${sha256('{}')}`,
    );
    expect(text).toContain(
      `- path: ${prefix}model.joblib\n        size: 9000000\n        sha256: ${sha256(weights)}`,
    );
    expect(text.match(/- path:/g)).toHaveLength(2);
    await rm(join(folder, 'oci'), { recursive: true, force: true });
    await modelcars(['build', '--unsafe-files', 'allow', '--frozen', '-o', 'oci'], settings());
    await modelcars(['verify', '--unsafe-files', 'allow', '--layout', 'oci'], settings());
  }

  test('an image that modelcars pushed becomes the same model again', async () => {
    await catalog('file:models');
    await modelcars(['push', '--registry', `${registry.host}/me`], settings());
    const digest = (await inFolder(await part('crane'), ['digest', `${registry.host}/me/m:v1.0.0`])).trim();
    await expectModel(`oci://${registry.host}/me/m:v1.0.0`);
    expect(await locked()).toContain(`revision: ${digest}\n`);
    await expectModel(`oci://${registry.host}/me/m@${digest}`);
  });

  test('an image of other tools: gzip layers that crane appended', async () => {
    await inFolder('tar', ['-czf', 'layer.tar.gz', 'models/deep', 'models/model.joblib']);
    await inFolder('tar', ['-cf', 'other.tar', 'docker']);
    const crane = await part('crane');
    await inFolder(crane, [
      'append',
      '-f',
      'other.tar',
      '-f',
      'layer.tar.gz',
      '-t',
      `${registry.host}/me/crane:v1`,
    ]);
    await expectModel(`oci://${registry.host}/me/crane:v1`);
  });

  test('files and a folder of `oras push`, and a ModelPack artifact of its raw layers', async () => {
    const oras = await part('oras');
    const cwd = { cwd: join(folder, 'models'), env: settings().env };
    const push = (...args: string[]) =>
      run(oras, ['push', '--plain-http', ...args], { ...cwd, env: { ...process.env, ...cwd.env } });
    await push(`${registry.host}/me/files:v1`, 'model.joblib', 'deep');
    await expectModel(`oci://${registry.host}/me/files:v1`);
    await writeFile(join(folder, 'models/config.json'), '{"descriptor":{"name":"m"}}');
    await writeFile(
      join(folder, 'models/annotations.json'),
      JSON.stringify({
        'model.joblib': { 'org.cncf.model.filepath': 'model.joblib' },
        'deep/config.json': { 'org.cncf.model.filepath': 'deep/config.json' },
      }),
    );
    await push(
      `${registry.host}/me/pack:v1`,
      ...['--artifact-type', 'application/vnd.cncf.model.manifest.v1+json'],
      ...['--config', 'config.json:application/vnd.cncf.model.config.v1+json'],
      ...['--annotation-file', 'annotations.json'],
      'model.joblib:application/vnd.cncf.model.weight.v1.raw',
      'deep/config.json:application/vnd.cncf.model.weight.config.v1.raw',
    );
    for (const name of ['config.json', 'annotations.json']) await rm(join(folder, 'models', name));
    const before = registry.requests().length;
    await catalog(`oci://${registry.host}/me/pack:v1`);
    await modelcars(['lock', '--upgrade'], settings());
    const large = `/v2/me/pack/blobs/sha256:${sha256(weights)}`;
    const seen = registry.requests().slice(before);
    // Its first bytes show whether it is complete, and which libraries made it; it is not read for its hash.
    expect(seen.filter(({ path }) => path === large).length).toBeLessThanOrEqual(3);
    await expectModel(`oci://${registry.host}/me/pack:v1`);
  });

  test('`add` takes an image reference, and `outdated` looks at its tag only', async () => {
    await writeFile(
      join(folder, 'models.yaml'),
      'defaults: {base: embedded, platforms: [linux/amd64]}\nmodels: []\n',
    );
    await rm(join(folder, 'models.lock.yaml'), { force: true });
    await modelcars(['add', `${registry.host}/me/m:v1.0.0`, '--version', 'v1.0.0'], settings());
    const text = await readFile(join(folder, 'models.yaml'), 'utf8');
    expect(text).toMatch(
      /name: m\n\s+framework: sklearn\n\s+source: oci:\/\/127\.0\.0\.1:\d+\/me\/m:v1\.0\.0\n/,
    );
    const before = registry.requests().length;
    expect(await modelcars(['outdated'], settings())).toMatch(/up to date|current|newest/i);
    const blobs = registry
      .requests()
      .slice(before)
      .filter(({ path }) => path.includes('/blobs/'));
    expect(blobs).toEqual([]);
  });

  test.each([
    [
      'without a login',
      () => ({ DOCKER_CONFIG: '/nonexistent' }),
      'me/m:v1.0.0',
      /asks for a login|requires|log in/i,
    ],
    ['an unknown tag', () => ({}), 'me/m:v9', /\/me\/m has no such tag/],
    ['nothing there', () => ({}), 'me/none', /has no tag latest/],
  ])('reports the problem and the next step: %s', async (_, env, name, message) => {
    await catalog(`oci://${registry.host}/${name}`);
    const { code, stderr } = await tryModelcars(['lock', '--upgrade'], settings(env()));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\nnext: /);
    expect(stderr).not.toContain(registry.password);
  });
});
