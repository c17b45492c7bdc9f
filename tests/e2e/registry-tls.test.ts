import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mediaTypes } from '../../scripts/image/types.ts';
import { credentialsFor } from '../../scripts/registry/auth/credentials.ts';
import { RegistryClient } from '../../scripts/registry/client.ts';
import { makeCertificates } from '../parts/certificates.ts';
import { contentOf, sha256 } from '../support/fake-registry.ts';
import { download, largeBlob, noCredentials, smallBlob } from './_registry.ts';

describe('over TLS', () => {
  let folder: string;
  let caFile: string;
  let server: ReturnType<typeof createHttpsServer>;
  let host: string;
  let location = '';
  const requests: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-tls-'));
    const made = await makeCertificates(folder);
    caFile = made.caFile;
    const tls = { cert: await readFile(made.certificateFile), key: await readFile(made.keyFile) };
    server = createHttpsServer(tls, (request, response) => {
      requests.push(`${request.method} ${request.url}`);
      request.resume();
      if (request.url === '/v2/') response.end();
      else if (request.method === 'POST') response.writeHead(202, { location }).end();
      else if (request.method === 'PATCH') request.on('end', () => response.writeHead(202).end());
      else if (request.method === 'PUT') response.writeHead(201).end();
      else if (request.headers.authorization) response.writeHead(302, { location }).end();
      else
        response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://elsewhere.example/token"` })
          .end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const layer = { mediaType: mediaTypes.layer, digest: sha256(largeBlob), size: largeBlob.length };

  test('a redirect out of TLS is refused', async () => {
    location = 'http://elsewhere.example/blob?X-Signature=abc';
    const credentials = credentialsFor(host, { kind: 'bearer', token: 'secret-token' });
    await using client = new RegistryClient({ env: noCredentials, caFile, credentials });
    const error = await download(client.repository(`${host}/a`), layer).catch((why) => why);
    expect(error.message).toContain('redirects to http://elsewhere.example, which is not https');
    expect(error.message).not.toContain('abc');
  });

  test('credentials are not sent to a token server without TLS', async () => {
    await using client = new RegistryClient({ env: noCredentials, caFile });
    const error = await download(client.repository(`${host}/a`), layer).catch((why) => why);
    expect(error).toMatchObject({ code: 'auth', message: expect.stringContaining('is not https') });
  });

  test('an upload location without TLS or port is resolved against the registry', async () => {
    location = 'http://127.0.0.1/v2/a/blobs/uploads/forgot?x=1';
    await using client = new RegistryClient({ env: noCredentials, caFile });
    await client.repository(`${host}/a`).write(contentOf(smallBlob));
    expect(requests.at(-1)).toBe(
      `PUT /v2/a/blobs/uploads/forgot?x=1&digest=${encodeURIComponent(sha256(smallBlob))}`,
    );
    location = 'http://elsewhere.example/v2/a/blobs/uploads/x';
    await expect(client.repository(`${host}/a`).write(contentOf(largeBlob))).rejects.toThrow(
      'which is not https',
    );
  });

  test('a registry configured as insecure that requires TLS is a network error', async () => {
    await using client = new RegistryClient({ env: noCredentials, insecure: [host], retry: { tries: 1 } });
    await expect(client.repository(`${host}/a`).tags()).rejects.toMatchObject({ code: 'network' });
  });
});
