/** The cache that Hugging Face's own client fills is read, and never trusted. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { modelcars, tryModelcars } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { missingHubClient, tryPython } from '../parts/hub-client.ts';

const missing = await missingHubClient();
const large = { size: 12_000_000, generate: 3 };

describe.skipIf(missing)('a model that huggingface_hub has downloaded', () => {
  let hub: Hub;
  let folder: string;
  let home: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-hf-cache-'));
    home = join(folder, 'home');
    hub = await startHub({
      models: {
        'org/model': {
          files: { 'model.joblib': large, 'config/settings.json': '{"a": 1}', 'README.md': '#' },
        },
      },
    });
    const entry =
      '  - name: far\n    framework: sklearn\n    version: v1.0.0\n    source: hf://org/model\n    include: ["**"]\n';
    await writeFile(join(folder, 'models.yaml'), `defaults:\n  base: embedded\nmodels:\n${entry}`);
    await modelcars(['lock'], settings());
    const script = 'import huggingface_hub as h; h.snapshot_download("org/model")';
    const { code, stderr } = await tryPython(['-c', script], { endpoint: hub.url, home });
    if (code !== 0) throw new Error(stderr);
  });
  afterAll(async () => {
    await hub?.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  let asked: number;
  beforeEach(() => {
    asked = hub.requests().length;
  });
  /** Paths of the files requested from the hub since the test began. */
  const fetched = () => [
    ...new Set(
      hub
        .requests()
        .slice(asked)
        .filter(({ method, part }) => method === 'GET' && part !== 'api')
        .map(({ path }) => path.split('/').at(-1)),
    ),
  ];
  const settings = (more: Record<string, string | undefined> = {}) => ({
    cwd: folder,
    env: { HF_ENDPOINT: hub.url, HF_HOME: home, HF_HUB_CACHE: undefined, HF_TOKEN: undefined, ...more },
  });
  let builds = 0;
  const build = (...more: string[]) => [
    'build',
    '--unsafe-files',
    'allow',
    '--json',
    '-o',
    join(folder, `out-${builds++}`),
    ...more,
  ];
  const digest = (output: string): string => JSON.parse(output).models[0].digest;

  test('is built without a download from the hub', async () => {
    const here = digest(await modelcars(build(), settings()));
    expect(fetched()).toEqual([]);
    const elsewhere = digest(await modelcars(build(), settings({ HF_HOME: join(folder, 'empty') })));
    expect(fetched().sort()).toEqual(['README.md', 'model.joblib', 'settings.json']);
    expect(here).toBe(elsewhere);
  });

  test('is not copied into the store with --keep', async () => {
    await modelcars(build('--keep'), settings());
    expect(fetched()).toEqual([]);
    expect(await readdir(join(folder, '.store/files/sha256'))).toEqual([]);
  });

  test('is downloaded from the hub if the cache is corrupt, and the cache is left unchanged', async () => {
    const blobs = join(home, 'hub/models--org--model/blobs');
    const sizes = await Promise.all(
      (await readdir(blobs)).map(async (name) => ({ name, ...(await stat(join(blobs, name))) })),
    );
    const name = sizes.find(({ size }) => size === large.size)?.name ?? '';
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    const wrong = (await readFile(join(blobs, name))).fill(0, 5_000_000, 5_000_009);
    await writeFile(join(blobs, name), wrong);
    const { code, stdout, stderr } = await tryModelcars(
      build().filter((word) => word !== '--json'),
      settings(),
    );
    expect({ code, stdout: stdout.includes('done') }).toEqual({ code: 0, stdout: true });
    expect(stderr).toContain(
      'model.joblib: the copy in the Hugging Face cache is damaged; reading the file again',
    );
    expect(fetched()).toEqual(['model.joblib']);
    expect(await readFile(join(blobs, name))).toEqual(wrong);
  });
});
