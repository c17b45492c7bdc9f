import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AzureContainer } from '../../scripts/sources/azure/container.ts';
import { type AzureServer, missingAzurite, startAzure } from '../parts/azurite.ts';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';
import { fill, testObjectStore, writeCatalog } from './_objects.ts';

const missing = await missingAzurite();

describe.skipIf(missing)('models in Azure Blob Storage', () => {
  let azure: AzureServer;
  let folder: string;
  beforeAll(async () => {
    azure = await startAzure();
    folder = await mkdtemp(join(tmpdir(), 'modelcars-azure-'));
    await fill({ put: (key, content) => azure.put('models', key, content) });
    await azure.put('models', 'iris/folder', '', { hdi_isfolder: 'true' });
  });
  afterAll(async () => {
    await azure?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true, force: true });
  });
  const catalog = (source: string, more?: string) => writeCatalog(folder, source, more);
  const settings = (credential?: 'key' | 'sas' | 'none') => ({ cwd: folder, env: azure.env(credential) });

  testObjectStore(
    () => ({
      store: { ...azure, env: () => azure.env(), put: (key, content) => azure.put('models', key, content) },
      folder,
    }),
    {
      uri: 'azure://testaccount/models',
      page: 'abfss://models@testaccount.dfs.core.windows.net/iris',
      isRead: ({ method, path }) => method === 'GET' && path.includes('model.joblib'),
      rangeHeader: 'x-ms-range',
    },
  );

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
