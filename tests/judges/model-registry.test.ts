/**
 * The official Python client reads what `register` wrote, in a fake registry that answers as the real server does: that
 * is no Go module and in no package. With MODELCARS_TEST_MODEL_REGISTRY=URL the judge asks a real one, which has to have
 * API v1, as releases from 0.3.15 on.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeCatalog, modelcars, tryModelcars } from '../parts/cli.ts';
import { pages } from '../parts/markdown.ts';
import { modelRegistryClient } from '../parts/model-registry.ts';
import { missing } from '../parts/python.ts';
import { programLines } from '../parts/recipes.ts';
import { tryRun } from '../parts/run.ts';
import { startFakeModelRegistry } from '../support/fake-model-registry.ts';
import { type FakeRegistry, startFake } from '../support/fake-registry.ts';

const lacking = await missing(modelRegistryClient);
const script = fileURLToPath(new URL('model-registry.py', import.meta.url));

describe.skipIf(lacking)("the model registry's own client", () => {
  // A real registry keeps what earlier runs registered.
  const name = `iris-${randomBytes(4).toString('hex')}`;
  let folder: string;
  let images: FakeRegistry;
  let models: { url: string } & Partial<AsyncDisposable>;
  let lines: string[][];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-registered-'));
    images = await startFake();
    const url = process.env.MODELCARS_TEST_MODEL_REGISTRY;
    models = url ? { url } : await startFakeModelRegistry({ version: 'v1' });
    await makeCatalog(folder, [
      { name, framework: 'sklearn', files: { 'model.joblib': 'a model of irises' } },
    ]);
    const guide = (await pages()).find(({ path }) => path === 'docs/guide/register.md');
    lines = programLines({ path: 'guide.md', text: guide?.text ?? '', documents: [] })
      // Code in a sentence names a command alone.
      .filter(([, ...rest]) => rest.length > 0)
      .map((line) =>
        line.map((word) => word.replace('quay.io', images.host).replace(/^"?\$VERSION"?$/, 'v1.2.3')),
      );
  });
  afterAll(async () => {
    await images?.[Symbol.asyncDispose]();
    await models?.[Symbol.asyncDispose]?.();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const run = (words: string[]) =>
    tryModelcars(words, { cwd: folder, env: { MODELCARS_MODEL_REGISTRY: models.url } });
  async function client(...words: string[]) {
    const { code, stdout, stderr } = await tryRun(await modelRegistryClient(), [
      script,
      models.url,
      ...words,
    ]);
    return { code, stderr, read: code === 0 ? JSON.parse(stdout) : undefined };
  }

  test('reads what the commands of docs/guide/register.md registered', async () => {
    expect(lines.map(([command]) => command)).toEqual(['push', 'register', 'register', 'register']);
    for (const line of lines) {
      const words = line[0] === 'push' ? [...line, '--base', 'embedded', '--unsafe-files', 'allow'] : line;
      expect([line, await run(words)]).toEqual([line, expect.objectContaining({ code: 0 })]);
    }
    const [outcome] = JSON.parse(
      await modelcars(['register', '--registry', `${images.host}/me`, '--version', 'v1.2.3', '--json'], {
        cwd: folder,
        env: { MODELCARS_MODEL_REGISTRY: models.url },
      }),
    ).models;
    expect(outcome.status).toBe('unchanged');
    const { read } = await client('read', name, 'v1.2.3');
    expect(read).toMatchObject({
      model: { name, state: 'LIVE' },
      version: {
        name: 'v1.2.3',
        state: 'LIVE',
        properties: { framework: 'sklearn', digest: outcome.digest, signature: 'not checked' },
      },
      artifact: {
        name,
        uri: `oci://${images.host}/me/${name}@${outcome.digest}`,
        state: 'LIVE',
        format: ['sklearn', null],
      },
      versions: ['v1.2.3'],
    });
  });

  test('refuses to register that version, and registers another beside it', async () => {
    const refused = await client('register', name, 'v1.2.3', 'oci://quay.io/me/iris:v1.2.3');
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('v1.2.3 already exists') });
    const digest = `sha256:${'0'.repeat(64)}`;
    const { read } = await client('register', name, 'v9.0.0', `oci://quay.io/me/iris@${digest}`);
    expect(read.versions).toEqual(['v1.2.3', 'v9.0.0']);
  });

  test('and `register` refuses to move a version that the client registered', async () => {
    await run([
      'push',
      '--registry',
      `${images.host}/me`,
      '--version',
      'v9.0.0',
      '--base',
      'embedded',
      '--unsafe-files',
      'allow',
    ]);
    const { code, stderr } = await run([
      'register',
      '--registry',
      `${images.host}/me`,
      '--version',
      'v9.0.0',
    ]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('a version never moves')]);
  });
});
