import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AzureContainer } from '../../scripts/sources/azure/container.ts';
import { type AzureServer, missingAzurite, startAzure } from '../parts/azurite.ts';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';

const missing = await missingAzurite();
/** Several ranges, so that a break hits one of them. */
const weights = noise(20_000_000, 1);
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

describe.skipIf(missing)('models in Azure Blob Storage', () => {
  let azure: AzureServer;
  let folder: string;
  beforeAll(async () => {
    azure = await startAzure();
    folder = await mkdtemp(join(tmpdir(), 'modelcars-azure-'));
    await azure.put('models', 'iris/model.joblib', weights);
    await azure.put('models', 'iris/deep/config.json', '{}');
    await azure.put('models', 'iris/folder', '', { hdi_isfolder: 'true' });
    await azure.put('models', 'iris-2/model.joblib', 'a neighbour whose name begins the same');
  });
  afterAll(async () => {
    await azure?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true, force: true });
  });
  const catalog = (source: string, more = ''): Promise<void> =>
    writeFile(
      join(folder, 'models.yaml'),
      `defaults: {base: embedded, platforms: [linux/amd64]}\nmodels:\n  - name: m\n    framework: sklearn\n    source: ${source}\n    include: ["**"]\n    version: v1.0.0\n${more}`,
    );
  const settings = (credential?: 'key' | 'sas' | 'none') => ({ cwd: folder, env: azure.env(credential) });
  const locked = (): Promise<string> => readFile(join(folder, 'models.lock.yaml'), 'utf8');
  const isRead = ({ method, path }: { method: string; path: string }) =>
    method === 'GET' && path.includes('model.joblib');

  test('a prefix locks exactly the objects below it; build and verify succeed', async () => {
    await catalog('azure://testaccount/models/iris');
    await modelcars(['lock'], settings());
    const text = await locked();
    expect(text).toContain(`- path: deep/config.json\n        size: 2\n        sha256: ${sha256('{}')}`);
    expect(text).toContain(
      `- path: model.joblib\n        size: 20000000\n        sha256: ${sha256(weights)}`,
    );
    expect(text.match(/- path:/g)).toHaveLength(2);
    await modelcars(['build', '--frozen'], settings());
    await modelcars(['verify'], settings());
  });

  test('one object, one object of `files:`, names that URLs must escape, and `add`', async () => {
    await azure.put('models', 'legal/v2/a b+c%41 ü?#.txt', 'as you like it');
    await catalog(
      'azure://testaccount/models/iris/model.joblib',
      '    files: {LICENSE: "azure://testaccount/models/legal/v2/"}\n',
    );
    await modelcars(['lock'], settings());
    expect(await locked()).toContain(
      `- path: LICENSE\n        size: 14\n        sha256: ${sha256('as you like it')}`,
    );
    await modelcars(['build', '--frozen', '-o', 'single'], settings());
    await modelcars(['add', 'abfss://models@testaccount.dfs.core.windows.net/iris', '--no-lock'], settings());
    expect(await readFile(join(folder, 'models.yaml'), 'utf8')).toMatch(
      /framework: sklearn\n\s+source: azure:\/\/testaccount\/models\/iris\n/,
    );
  });

  test('broken connections and 503 answers are retried; bytes that arrived are not asked for again', async () => {
    await catalog('azure://testaccount/models/iris');
    await modelcars(['lock'], settings());
    const broken = azure.fault({ breakAfter: 1_000_000, times: 3, match: isRead });
    const slow = azure.fault({ answer: { status: 503, code: 'backendError' }, times: 3 });
    const before = azure.requests().length;
    await modelcars(['build', '--frozen', '-o', 'resumed'], settings());
    expect([broken(), slow()]).toEqual([3, 3]);
    await modelcars(['verify', '-o', 'resumed'], settings());
    const ranges = azure.requests().slice(before).filter(isRead);
    const asked = ranges.map(
      ({ headers }) => /^bytes=(\d+)-(\d+)$/.exec(String(headers['x-ms-range']))?.slice(1) ?? [],
    );
    const again = asked.filter(([start, end]) =>
      asked.some(([first, last]) => last === end && Number(first) + 900_000 < Number(start)),
    );
    expect(again.length).toBe(3);
  });

  test('a corrupted byte and a replaced object never become an image', async () => {
    await catalog('azure://testaccount/models/iris');
    await modelcars(['lock'], settings());
    azure.fault({ flipAfter: 5000, match: isRead, times: 1000 });
    const wrong = await tryModelcars(['build', '--frozen', '-o', 'wrong'], settings());
    azure.calm();
    expect(wrong.stderr).toMatch(/read model\.joblib: it has sha256 [0-9a-f]{64}, the lock has/);
    await azure.put('models', 'iris/model.joblib', 'shorter');
    const shorter = await tryModelcars(['build', '--frozen', '-o', 'shorter'], settings());
    expect(shorter.stderr).toMatch(
      /read model\.joblib of azure:\/\/testaccount\/models\/iris: it has 7 bytes, the lock has 20000000/,
    );
    expect(shorter.stderr).toMatch(/next: run `modelcars lock --upgrade \w+` if the change is meant/);
    await azure.put('models', 'iris/model.joblib', weights);
  });

  test('a blob replaced while it is read is noticed by its ETag', async () => {
    const location = { account: azure.account, container: 'models', key: '' };
    const container = new AzureContainer(location, azure.env());
    await azure.put('models', 'replaced.bin', noise(1000, 1));
    const object = await container.head('replaced.bin');
    expect(object).toMatchObject({ size: 1000, version: expect.stringMatching(/^"/) });
    await azure.put('models', 'replaced.bin', noise(1000, 2));
    const read = async () => {
      if (object) for await (const _ of container.read(object, 0, 1000));
    };
    await expect(read()).rejects.toMatchObject({
      code: 'integrity',
      message: 'read azure://testaccount/models/replaced.bin: it changed on the server while it was read',
    });
  });

  test('a SAS reads, and no message shows any of it', async () => {
    await catalog('azure://testaccount/models/iris');
    await modelcars(['lock', '--upgrade'], settings('sas'));
    azure.fault({ answer: { status: 403, code: 'AuthorizationPermissionMismatch' }, times: 100 });
    const { stderr } = await tryModelcars(['lock', '--upgrade'], settings('sas'));
    azure.calm();
    expect(stderr).toMatch(/denies access to the SAS in AZURE_STORAGE_SAS_TOKEN/);
    expect(stderr).not.toMatch(/sig=/);
  });

  test.each([
    [
      'azure://testaccount/nothing-of-the-kind/x',
      {},
      /127\.0\.0\.1:\d+ has no container nothing-of-the-kind/,
    ],
    ['azure://testaccount/models/nothing-here', {}, /no object has this name, and none is below it/],
    [
      'azure://testaccount/models/iris',
      { AZURE_STORAGE_KEY: 'd3Jvbmc=' },
      /denies access to the key in AZURE_STORAGE_KEY[\s\S]*next: check that the key is one of account testaccount/,
    ],
    [
      'azure://testaccount/models/iris',
      { AZURE_STORAGE_KEY: '?sv=not-a-key' },
      /read AZURE_STORAGE_KEY: expected a key in Base64/,
    ],
    [
      'azure://testaccount/models/iris',
      { AZURE_STORAGE_KEY: undefined },
      /has no public container models, and no Azure credentials were found/,
    ],
    [
      'azure://testaccount/models/iris',
      { AZURE_STORAGE_ACCOUNT: 'another' },
      /no Azure credentials were found/,
    ],
    [
      'azure://testaccount/models/iris',
      { AZURE_STORAGE_SERVICE_ENDPOINT: 'http://127.0.0.1:9/testaccount' },
      /127\.0\.0\.1:9 refuses connections/,
    ],
  ])('reports the problem and the next step: %s %j', async (source, env, message) => {
    await catalog(source);
    const { code, stderr } = await tryModelcars(['lock', '--upgrade'], {
      cwd: folder,
      env: { ...azure.env(), ...env },
    });
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\nnext: /);
  });
});
