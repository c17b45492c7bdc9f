import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { makeCertificates } from '../../../tests/parts/certificates.ts';
import { azureSource } from '../azure/source.ts';
import { s3Source } from '../s3/source.ts';
import type { Source } from '../types.ts';

/** Stores behind TLS of an authority that only `--ca-file` names, as in a company's network. */

const bytes = 'a model';
const azureList = `<?xml version="1.0"?><EnumerationResults><Blobs><Blob><Name>m/a.bin</Name><Properties>
<Content-Length>${bytes.length}</Content-Length><Etag>0x1</Etag></Properties></Blob></Blobs><NextMarker/></EnumerationResults>`;
const s3List = `<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>m/a.bin</Key>
<Size>${bytes.length}</Size><ETag>"1"</ETag></Contents></ListBucketResult>`;

let folder: string;
let server: Server;
let caFile: string;
let url: string;
beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  folder = await mkdtemp(join(tmpdir(), 'modelcars-ca-file-'));
  const made = await makeCertificates(folder);
  ({ caFile } = made);
  const [cert, key] = await Promise.all([readFile(made.certificateFile), readFile(made.keyFile)]);
  server = createServer({ cert, key }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://store');
    response.setHeader('content-type', 'application/xml');
    if (searchParams.has('comp') || searchParams.has('list-type'))
      return response.end(pathname.startsWith('/account') ? azureList : s3List);
    if (!pathname.endsWith('/m/a.bin'))
      return response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    const isRange = request.headers.range !== undefined || request.headers['x-ms-range'] !== undefined;
    const range = { 'content-range': `bytes 0-${bytes.length - 1}/${bytes.length}` };
    const headers = { 'content-length': bytes.length, etag: '"0x1"', ...(isRange && range) };
    return response
      .writeHead(isRange ? 206 : 200, headers)
      .end(request.method === 'HEAD' ? undefined : bytes);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `https://localhost:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  await rm(folder, { recursive: true });
});

const kinds: Record<string, (caFile?: string) => [Source, string]> = {
  azure: (caFile) => {
    const env = { AZURE_STORAGE_SERVICE_ENDPOINT: `${url}/account`, AZURE_STORAGE_KEY: 'a2V5' };
    return [azureSource({ env, ...(caFile !== undefined && { caFile }) }), 'azure://account/models/m'];
  },
  s3: (caFile) => [s3Source({ S3_ENDPOINT_URL: url }, caFile), 's3://models/m'],
};

// The authority is trusted by the whole process from the first `caFile` on.
it.each(Object.keys(kinds))('%s does not trust an unknown authority', async (kind) => {
  const [source, uri] = kinds[kind]?.() ?? [];
  await expect(source?.resolve(uri ?? '', () => true)).rejects.toMatchObject({
    code: 'network',
    message: expect.stringMatching(/certificate/i),
  });
});

it.each(Object.keys(kinds))('%s trusts that of `caFile`', async (kind) => {
  const [source, uri] = kinds[kind]?.(caFile) ?? [];
  const snapshot = await source?.resolve(uri ?? '', () => true);
  expect(snapshot?.files).toMatchObject([{ path: 'a.bin', size: bytes.length }]);
});

it('reports a file that is none of certificates', async () => {
  const file = join(folder, 'none.pem');
  await writeFile(file, 'none');
  expect(() => azureSource({ caFile: file })).toThrow(/it holds no PEM certificate/);
  expect(() => s3Source({}, file)).toThrow(/it holds no PEM certificate/);
});
