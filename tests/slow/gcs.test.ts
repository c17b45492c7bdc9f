import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultRetry } from '../../scripts/http/retry.ts';
import { Transport } from '../../scripts/http/transport.ts';
import { GsBucket } from '../../scripts/sources/gs/bucket.ts';
import { noise, tryModelcars } from '../parts/cli.ts';
import { type GcsServer, startGcs } from '../parts/gcs.ts';
import { missingParts } from '../parts/parts.ts';
import { fill, testObjectStore, writeCatalog } from './_objects.ts';

const missing = await missingParts('fake-gcs-server');

describe.skipIf(missing)('models in Google Cloud Storage', () => {
  let gcs: GcsServer;
  let folder: string;
  beforeAll(async () => {
    gcs = await startGcs();
    folder = await mkdtemp(join(tmpdir(), 'modelcars-gcs-'));
    await fill({ put: (key, content) => gcs.put('models', key, content) });
    await gcs.put('models', 'iris/folder/', '');
  });
  afterAll(async () => {
    await gcs?.[Symbol.asyncDispose]();
    if (folder) await rm(folder, { recursive: true, force: true });
  });
  const catalog = (source: string, more?: string) => writeCatalog(folder, source, more);
  const settings = () => ({ cwd: folder, env: { STORAGE_EMULATOR_HOST: gcs.url } });

  testObjectStore(
    () => ({
      store: { ...gcs, env: () => settings().env, put: (key, content) => gcs.put('models', key, content) },
      folder,
    }),
    {
      uri: 'gs://models',
      page: 'https://console.cloud.google.com/storage/browser/models/iris;tab=objects',
      isRead: ({ path }) => path.includes('model.joblib') && path.includes('alt=media'),
      rangeHeader: 'range',
    },
  );

  test('an object replaced while it is read is noticed by its generation', async () => {
    const transport = new Transport({ env: {} });
    const bucket = new GsBucket('models', {
      endpoint: new URL(gcs.url),
      transport,
      retry: defaultRetry,
      account: async () => ({ name: 'nobody' }),
    });
    await gcs.put('models', 'replaced.bin', noise(1000, 1));
    const object = await bucket.head('replaced.bin');
    expect(object).toMatchObject({ size: 1000, version: expect.stringMatching(/^\d+$/) });
    await gcs.put('models', 'replaced.bin', noise(1000, 2));
    const read = async () => {
      if (object) for await (const _ of bucket.read(object, 0, 1000));
    };
    await expect(read()).rejects.toMatchObject({
      code: 'integrity',
      message: 'read gs://models/replaced.bin: it changed on the server while it was read',
    });
    await transport.close();
  });

  test.each([
    ['gs://nothing-of-the-kind/x', undefined, /127\.0\.0\.1:\d+ has no bucket nothing-of-the-kind/],
    ['gs://models/nothing-here', undefined, /no object has this name, and none is below it/],
    [
      'gs://models/iris',
      { status: 403, code: 'forbidden' },
      /denies access to a request without an account, and no Google credentials were found/,
    ],
  ])('reports the problem and the next step: %s %j', async (source, answer, message) => {
    await catalog(source);
    if (answer) gcs.fault({ answer, times: 100 });
    const { code, stderr } = await tryModelcars(['lock', '--upgrade'], settings());
    gcs.calm();
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\nnext: /);
  });
});
