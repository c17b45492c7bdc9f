import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  identityToken,
  type Sigstore,
  type SigstoreRequest,
  startSigstore,
} from '../../../tests/parts/sigstore.ts';
import { signatureStatement } from '../signature-statement.ts';
import { openSigner, type SignerOptions } from './signer.ts';

const statement = signatureStatement(`sha256:${'a'.repeat(64)}`);

let folder: string;
let sigstore: Sigstore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-signer-'));
  sigstore = await startSigstore(folder);
});
afterAll(async () => {
  await sigstore[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
afterEach(() => {
  delete sigstore.intercept;
  sigstore.requests.length = 0;
  vi.unstubAllEnvs();
});

/** The message and next step of a signature that fails; an empty text when it is made. */
async function failureOf(token: string, options: Partial<SignerOptions> = {}): Promise<string> {
  const file = join(folder, 'token');
  await writeFile(file, token);
  const services = { fulcioUrl: sigstore.url, rekorUrl: sigstore.url };
  const retry = { tries: 2, delay: 1 };
  const signer = await openSigner({ identityToken: file, ...services, env: {}, retry, ...options });
  try {
    await signer.signStatement(statement);
    return '';
  } catch (error) {
    expect(error).toMatchObject({ code: expect.stringMatching(/^(trust|network)$/) });
    return `${String(error)} ${JSON.stringify(error)}`;
  } finally {
    await signer.close();
  }
}

const answer = (status: number, service: SigstoreRequest['service'], body = '') => {
  sigstore.intercept = (request, response: ServerResponse) => {
    if (request.service !== service) return false;
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    return true;
  };
};

describe('a signature fails, with its cause and without the token,', () => {
  it.each<[string, number, SigstoreRequest['service'], string, string]>([
    ['Fulcio fails', 500, 'fulcio', '', 'request a signing certificate from 127.0.0.1:'],
    ['Fulcio refuses', 400, 'fulcio', '{"message":"issuer not allowed"}', 'issuer not allowed'],
    ['Fulcio answers nonsense', 201, 'fulcio', '<html>', "the answer is not Fulcio's"],
    ['Fulcio answers no certificate', 201, 'fulcio', '{}', 'the answer has no certificate'],
    ['Rekor fails', 503, 'rekor', '', 'transparency log 127.0.0.1:'],
    ['Rekor refuses', 400, 'rekor', '{"message":"bad entry"}', 'bad entry'],
  ])('when %s', async (_, status, service, body, problem) => {
    answer(status, service, body);
    const token = identityToken();
    const told = await failureOf(token);
    expect(told).toContain(problem);
    expect(told).not.toContain(token);
  });

  it('when the timestamp authority fails', async () => {
    answer(502, 'timestamp');
    expect(await failureOf(identityToken(), { timestampUrl: sigstore.url })).toContain('timestamp authority');
  });

  it('when no service listens', async () => {
    await using gone = await startSigstore(folder);
    await gone[Symbol.asyncDispose]();
    expect(await failureOf(identityToken(), { rekorUrl: gone.url })).toContain('refuses connections');
    expect(await failureOf(identityToken(), { fulcioUrl: gone.url })).toContain('refuses connections');
  });

  it('when Fulcio certifies another key', async () => {
    sigstore.intercept = (request) => {
      // The mock certifies the key it is sent: an earlier request's, here.
      const [first] = sigstore.requests;
      if (first !== undefined && request !== first) request.body = first.body;
      return false;
    };
    expect(await failureOf(identityToken())).toBe('');
    expect(await failureOf(identityToken())).toContain('the certificate is not for the requested key');
  });
});

describe('an identity token is refused', () => {
  it.each([
    [
      'that has expired',
      identityToken({ exp: 1_000_000_000 }),
      "expired at 2001-09-09T01:46:40.000Z; this machine's clock",
    ],
    [
      'for another audience',
      identityToken({ aud: 'https://vault' }),
      'is for the audience https://vault, not `sigstore`',
    ],
    ['that is no token', 'nonsense', 'is no JSON web token'],
    [
      'that is JSON, but no object',
      `a.${Buffer.from('null').toString('base64url')}.b`,
      'is no JSON web token',
    ],
  ])('%s', async (_, token, problem) => {
    const told = await failureOf(token);
    expect(told).toContain(problem);
    expect(told).not.toContain(token);
    expect(sigstore.requests).toEqual([]);
  });

  it('that does not exist, with the ways to get one', async () => {
    for (const name of ['ACTIONS_ID_TOKEN_REQUEST_URL', 'BUILDKITE', 'SIGSTORE_ID_TOKEN'])
      vi.stubEnv(name, '');
    const services = { fulcioUrl: sigstore.url, rekorUrl: sigstore.url };
    const signer = await openSigner({ ...services, env: {} });
    await expect(signer.signStatement(statement)).rejects.toMatchObject({
      message: 'sign: no key, and no identity token in this environment',
      next: expect.stringContaining('id-token: write'),
    });
    await signer.close();
  });
});

it('takes the token of the CI system', async () => {
  vi.stubEnv('SIGSTORE_ID_TOKEN', identityToken());
  const signer = await openSigner({ fulcioUrl: sigstore.url, rekorUrl: sigstore.url, env: {} });
  await signer.signStatement(statement);
  await signer.close();
  expect(sigstore.requests.map(({ service }) => service)).toEqual(['fulcio', 'rekor']);
});

it('requests one certificate for all signatures of a run', async () => {
  const file = join(folder, 'token');
  await writeFile(file, identityToken());
  const signer = await openSigner({
    identityToken: file,
    fulcioUrl: sigstore.url,
    rekorUrl: sigstore.url,
    env: {},
  });
  for (let count = 0; count < 3; count++) await signer.signStatement(statement);
  await signer.signMessage(statement);
  await signer.close();
  expect(sigstore.requests.map(({ service }) => service)).toEqual(['fulcio', ...Array(4).fill('rekor')]);
});

it('takes the newest valid services of a signing configuration', async () => {
  const service = (url: string, start: string, end?: string) => ({
    url,
    majorApiVersion: 1,
    validFor: { start, ...(end && { end }) },
    operator: 'test',
  });
  const config = {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [
      service('http://old.example.com', '2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z'),
      service(sigstore.url, '2021-01-01T00:00:00Z'),
    ],
    rekorTlogUrls: [
      service(sigstore.url, '2021-01-01T00:00:00Z'),
      service('http://old.example.com', '2020-01-01T00:00:00Z'),
    ],
    rekorTlogConfig: { selector: 'ANY' },
  };
  const signingConfig = join(folder, 'signing-config.json');
  await writeFile(signingConfig, JSON.stringify(config));
  await writeFile(join(folder, 'token'), identityToken());
  const signer = await openSigner({ signingConfig, identityToken: join(folder, 'token'), env: {} });
  await signer.signStatement(statement);
  await signer.close();
  expect(sigstore.requests.map(({ service: name }) => name)).toEqual(['fulcio', 'rekor']);
  await writeFile(signingConfig, 'nonsense');
  await expect(openSigner({ signingConfig, env: {} })).rejects.toThrow('it is malformed');
});

it('never mixes private services with the public Sigstore', async () => {
  const open = (options: Partial<SignerOptions>) => openSigner({ env: {}, ...options });
  await expect(open({ rekorUrl: sigstore.url })).rejects.toThrow('no certificate authority is given');
  await expect(open({ fulcioUrl: sigstore.url })).rejects.toThrow('nothing proves the time');
  const signingConfig = join(folder, 'empty.json');
  await writeFile(signingConfig, '{}');
  await expect(open({ signingConfig })).rejects.toThrow('no certificate authority is given');
});
