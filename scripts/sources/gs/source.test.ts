import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Masker } from '../../text/mask.ts';
import { gsSource } from './source.ts';

/** What no emulator does; tests/slow/gcs.test.ts has a server that speaks the whole protocol. */
let server: Server;
let url: string;
let folder: string;
let seen: { path: string; authorization: string | undefined }[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const item = (name: string, size: string | number = '3') => ({ name, size, generation: '1' });
const json = (response: ServerResponse, value: unknown, status = 200) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

beforeEach(async () => {
  seen = [];
  answer = (_, response) => json(response, {});
  server = createServer((request, response) => {
    const { url: path = '', headers } = request;
    seen.push({ path, authorization: headers.authorization });
    if (path.startsWith('/storage/v1/b/models/o/') && !path.includes('alt=media')) json(response, {}, 404);
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), 'modelcars-gs-'));
  // Neither the developer's account nor that of a machine at Google.
  for (const [name, value] of Object.entries({
    HOME: folder,
    CLOUDSDK_CONFIG: folder,
    METADATA_SERVER_DETECTION: 'none',
    GOOGLE_APPLICATION_CREDENTIALS: '',
  }))
    vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

async function resolve(
  env: NodeJS.ProcessEnv = { STORAGE_EMULATOR_HOST: url },
  select = (_: string) => true,
) {
  const source = gsSource({ env, retry: { delay: 1 } });
  try {
    return await source.resolve('gs://models/m', select);
  } finally {
    await source.close?.();
  }
}

describe('a hostile server', () => {
  it.each([
    ['m/../../etc/passwd', /holds the component `\.\.`/],
    ['m//etc/passwd', /is absolute/],
    ['m/a\u0000b', /NUL/],
    ['m/.wh.config.json', /\.wh\./],
  ])('gets no file named %j', async (name, problem) => {
    answer = (_, response) => json(response, { items: [item(name)] });
    await expect(resolve()).rejects.toThrow(problem);
    expect(seen.every(({ path }) => !path.includes('alt=media'))).toBe(true);
  });

  it.each([
    ['a page that repeats', { items: [item('m/a')], nextPageToken: 'again' }, /same page again and again/],
    ['objects of another prefix', { items: [item('n/a')] }, /do not begin with the prefix/],
    ['a size that is none', { items: [item('m/a', '99999999999999999999')] }, /invalid size/],
    ['another document', { items: 'x' }, /is not one of Cloud Storage/],
    ['no list of objects', [], /is not one of Cloud Storage/],
  ])('is refused with %s', async (_, page, problem) => {
    answer = (_request, response) => json(response, page);
    await expect(resolve()).rejects.toMatchObject({
      code: 'source',
      message: expect.stringMatching(problem),
    });
  });

  it('is refused when it sends other bytes than requested', async () => {
    answer = ({ url: path }, response) =>
      path?.includes('alt=media')
        ? response.writeHead(206, { 'content-range': 'bytes 1-3/4' }).end('abc')
        : json(response, { items: [item('m/a')] });
    await expect(resolve()).rejects.toThrow(/sent other bytes than requested/);
  });
});

describe('credentials', () => {
  const override = () => ({ CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: url });
  const token = 'ya29.a-token-that-nobody-may-see';
  /** Workload identity federation, as `gcloud iam workload-identity-pools create-cred-config` writes it. */
  async function federation(): Promise<void> {
    await writeFile(join(folder, 'subject'), 'the identity of the pod');
    await writeFile(
      join(folder, 'credentials.json'),
      JSON.stringify({
        type: 'external_account',
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `${url}/v1/token`,
        credential_source: { file: join(folder, 'subject') },
      }),
    );
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(folder, 'credentials.json'));
  }
  const tokenAnswer = {
    access_token: token,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: 3600,
  };

  it('of workload identity federation are exchanged for a token, which nothing shows', async () => {
    await federation();
    answer = ({ url: path }, response) =>
      path === '/v1/token' ? json(response, tokenAnswer) : json(response, { items: [item('m/a')] });
    expect((await resolve(override(), () => false)).files).toEqual([]);
    expect(seen.map(({ path, authorization }) => [path.split('?')[0], authorization])).toEqual([
      ['/v1/token', undefined],
      ['/storage/v1/b/models/o', `Bearer ${token}`],
      ['/storage/v1/b/models/o/m', `Bearer ${token}`],
    ]);
    expect(new Masker().mask(`it is ${token}`)).not.toContain('nobody');
  });

  it.each([
    [403, /denies access to the account that was found/, /roles\/storage\.objectViewer/],
    [401, /rejected the token of the account that was found/, /gcloud auth application-default login/],
  ])('without the right to read are told apart (%i)', async (status, message, next) => {
    await federation();
    answer = ({ url: path }, response) =>
      path === '/v1/token' ? json(response, tokenAnswer) : json(response, {}, status);
    await expect(resolve(override())).rejects.toMatchObject({
      code: 'auth',
      message: expect.stringMatching(message),
      next: expect.stringMatching(next),
    });
  });

  it('that cannot be used are an error, not a request without an account', async () => {
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', join(folder, 'none.json'));
    await expect(resolve(override())).rejects.toMatchObject({
      code: 'auth',
      message: expect.stringMatching(/^log in to Google: .*none\.json/),
      next: expect.stringContaining('GOOGLE_APPLICATION_CREDENTIALS'),
    });
    expect(seen).toEqual([]);
  });

  it('are not needed for a public bucket, and asked for where it is not', async () => {
    answer = (_, response) => json(response, { items: [item('m/a')] });
    expect((await resolve(override(), () => false)).files).toEqual([]);
    expect(seen[0]?.authorization).toBeUndefined();
    answer = (_, response) => json(response, {}, 401);
    await expect(resolve(override())).rejects.toMatchObject({
      code: 'auth',
      message: expect.stringContaining('no Google credentials were found'),
    });
  });

  it('are never sent to an emulator, nor in the clear to another host', async () => {
    await federation();
    answer = (_, response) => json(response, { items: [item('m/a')] });
    await resolve(undefined, () => false);
    expect(seen.map(({ authorization }) => authorization)).toEqual([undefined, undefined]);
    await expect(
      resolve({ CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: 'http://storage.lan' }),
    ).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining('https://') });
  });
});

it('tries again after a server fault, and gives up in the end', async () => {
  let faults = 2;
  answer = (_, response) =>
    faults-- > 0 ? json(response, {}, 503) : json(response, { items: [item('m/a')] });
  expect((await resolve(undefined, () => false)).files).toEqual([]);
  answer = (_, response) => json(response, {}, 500);
  await expect(resolve()).rejects.toMatchObject({
    code: 'network',
    message: expect.stringContaining('answered 500'),
  });
});
