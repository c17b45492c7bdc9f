import { generateKeyPairSync } from 'node:crypto';
import { appendFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FakeModelRegistry, startFakeModelRegistry } from '../../tests/support/fake-model-registry.ts';
import { type FakeRegistry, startFake } from '../../tests/support/fake-registry.ts';
import { modelcarsInside } from '../../tests/support/run-inside.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const sample = fileURLToPath(new URL('../../frameworks/sklearn/model.joblib', import.meta.url));
const token = 'sha256~token-of-the-model-registry';

let folder: string;
let images: FakeRegistry;
let models: FakeModelRegistry;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-register-'));
  images = await startFake({ referrersPage: 10 });
  await mkdir(join(folder, 'iris'));
  await cp(sample, join(folder, 'iris', 'model.joblib'));
  const entry =
    '{name: iris, framework: sklearn, source: "file:iris", licenses: MIT, description: Classifies irises}';
  const head = `registry: ${images.host}/me\nversion: v1.0.0\ndefaults: {base: embedded}\n`;
  await writeFile(join(folder, 'models.yaml'), `${head}models:\n  - ${entry}\n`);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(join(folder, 'signing.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'cosign.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await run('push');
});
afterAll(async () => {
  await images[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  models = await startFakeModelRegistry({ token });
});
afterEach(() => models[Symbol.asyncDispose]());

async function run(...words: string[]) {
  const env = {
    MODELCARS_STORE: join(folder, 'store'),
    DOCKER_CONFIG: folder,
    ...(models && { MODELCARS_MODEL_REGISTRY: models.url, MODELCARS_MODEL_REGISTRY_TOKEN: token }),
  };
  return await modelcarsInside(words, { cwd: folder, env });
}

const properties = () =>
  Object.fromEntries(
    Object.entries(models.versions[0]?.customProperties ?? {}).map(([key, { string_value }]) => [
      key,
      string_value,
    ]),
  );
const digest = (version = 'v1.0.0') => {
  const bytes = images.manifests.get(`me/iris ${version}`)?.bytes.toString();
  return [...images.manifests]
    .find(([key, one]) => key.startsWith('me/iris sha256:') && one.bytes.toString() === bytes)?.[0]
    .split(' ')[1];
};

describe('register', () => {
  it('records the pushed image, what it says of itself, and nothing the second time', async () => {
    const planned = await run('register', '--dry-run', '--json');
    expect(JSON.parse(planned.stdout).models).toMatchObject([{ status: 'planned', digest: digest() }]);
    expect(models.writes()).toEqual([]);

    const first = await run('register', '--json');
    const uri = `oci://${images.host}/me/iris@${digest()}`;
    expect(JSON.parse(first.stdout).models).toMatchObject([
      { status: 'done', digest: digest(), registered: { version: 'v1.0.0', uri } },
    ]);
    expect(models.models).toMatchObject([{ name: 'iris', description: 'Classifies irises' }]);
    expect(models.artifacts).toMatchObject([{ uri, modelFormatName: 'sklearn' }]);
    expect(properties()).toEqual({
      framework: 'sklearn',
      license: 'MIT',
      revision: expect.stringMatching(/^sha256:/),
      sizeBytes: String(JSON.parse(first.stdout).models[0].size),
      platforms: 'linux/amd64, linux/arm64',
      signature: 'not checked',
      digest: digest(),
    });

    const second = await run('register');
    expect(second.stdout).toMatch(/ v1\.0\.0 +unchanged/);
    expect(models.writes()).toHaveLength(3);
    expect(first.stdout + second.stdout + second.stderr).not.toContain(token);
  });

  it('refuses another image for the version, and registers it as a new one', async () => {
    await run('register');
    await run('push', '--registry', `${images.host}/other`, '--platform', 'linux/amd64');
    const moved = await run('register', '--registry', `${images.host}/other`);
    expect([moved.code, moved.stderr]).toEqual([1, expect.stringContaining('a version never moves')]);
    await run('push', '--version', 'v1.1.0');
    expect((await run('register')).stdout).toContain('unchanged');
    expect((await run('register', '--version', 'v1.1.0')).stdout).toContain('done');
    expect(models.versions.map(({ name }) => name)).toEqual(['v1.0.0', 'v1.1.0']);
  });

  it('records whether a trusted signer signed the image, and with --signed requires it', async () => {
    const catalog = join(folder, 'models.yaml');
    await appendFile(catalog, 'trust: {signers: [{key: cosign.pub}]}\n');
    const unsigned = await run('register', '--signed');
    expect([unsigned.code, unsigned.stderr]).toEqual([1, expect.stringContaining('it is not signed')]);
    expect(models.writes()).toEqual([]);
    await run('register');
    expect(properties().signature).toBe('not signed by a trusted signer');

    await run('sign', '--version', 'v1.1.0', '--key', 'signing.pem');
    models.versions.length = 0;
    models.artifacts.length = 0;
    expect(await run('register', '--version', 'v1.1.0', '--signed')).toMatchObject({ code: 0 });
    expect(properties().signature).toMatch(/^signed by .*cosign\.pub.*every platform$/);
  });

  it.each<[string, string[], RegExp]>([
    ['an image that does not exist', ['--version', 'v9.0.0'], /me\/iris:v9\.0\.0: the registry has no such/],
    ['a wrong URL', ['--model-registry', 'quay.io'], /must be an http or https URL/],
    ['a missing file', ['--token-file', 'nowhere'], /nowhere \(--token-file\): no such file/],
    ['a name of no model', ['wine'], /wine/],
  ])('fails with %s, and registers nothing', async (_, words, message) => {
    const { code, stderr } = await run('register', ...words);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
    expect(models.writes()).toEqual([]);
  });

  it('needs a version: `latest` would move', async () => {
    await writeFile(
      join(folder, 'unversioned.yaml'),
      `registry: ${images.host}/me\nmodels: [{name: iris, framework: sklearn, source: "file:iris"}]\n`,
    );
    const { code, stderr } = await run('register', '-f', 'unversioned.yaml');
    expect([code, stderr]).toEqual([2, expect.stringContaining('it has no version')]);
  });

  it('refuses an image of another framework under the same name', async () => {
    await writeFile(
      join(folder, 'onnx.yaml'),
      `registry: ${images.host}/me\nversion: v1.0.0\nmodels: [{name: iris, framework: onnx, source: "file:iris"}]\n`,
    );
    const { code, stderr } = await run('register', '-f', 'onnx.yaml');
    expect([code, stderr]).toEqual([1, expect.stringContaining('its framework is sklearn, not onnx')]);
  });
});
