import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Bucket } from '../sources/s3/bucket.ts';
import { uploadFile } from './upload.ts';

const mebibyte = 1024 ** 2;
const bytes = randomBytes(20 * mebibyte + 7);

/** What the server got: parts of the upload by number, the object, and the requests in their order. */
const parts = new Map<number, Buffer>();
let object: Buffer | undefined;
let requests: string[] = [];
/** Number of a part that is refused. */
let refused: number | undefined;

const server = createServer(async (request, response) => {
  const query = new URL(request.url ?? '/', 'http://s3').searchParams;
  const body = await buffer(request);
  const xml = (text: string, status = 200) => response.writeHead(status).end(`<?xml version="1.0"?>${text}`);
  const number = Number(query.get('partNumber') ?? 0);
  requests.push(
    `${request.method} ${query.has('uploads') ? 'create' : number || (query.get('uploadId') ?? 'object')}`,
  );
  if (request.method === 'HEAD') {
    const meta = { 'x-amz-meta-sha256': sha256(object ?? ''), 'content-length': object?.length ?? 0 };
    return object ? response.writeHead(200, { etag: '"1"', ...meta }).end() : response.writeHead(404).end();
  }
  if (request.method === 'POST' && query.has('uploads'))
    return xml('<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>');
  if (request.method === 'POST') {
    const listed = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map(([, one]) => Number(one));
    object = Buffer.concat(listed.map((one) => parts.get(one) ?? Buffer.alloc(0)));
    return xml('<CompleteMultipartUploadResult><ETag>"1"</ETag></CompleteMultipartUploadResult>');
  }
  if (request.method === 'GET') return xml('<ListBucketResult><Name>models</Name></ListBucketResult>');
  if (request.method === 'DELETE') return response.writeHead(204).end();
  if (number > 0 && number === refused) return xml('<Error><Code>AccessDenied</Code></Error>', 403);
  if (number > 0) parts.set(number, body);
  else object = body;
  response.writeHead(200, { etag: `"${number}"` }).end();
});

let bucket: Bucket;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'test');
  vi.stubEnv('AWS_REQUEST_CHECKSUM_CALCULATION', 'when_required');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  bucket = await Bucket.open('models', { endpoint, pathStyle: true });
});
afterAll(() => {
  vi.unstubAllEnvs();
  bucket.client.destroy();
  server.close();
});

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Uploads bytes in chunks of 700,000, which lie across the borders of the parts. */
async function upload(content: Buffer) {
  parts.clear();
  requests = [];
  object = undefined;
  let counted = 0;
  const sending = uploadFile(bucket, {
    key: 'org/model/big.bin',
    file: { path: 'big.bin', size: content.length, sha256: sha256(content) },
    async *open() {
      for (let at = 0; at < content.length; at += 700_000) yield content.subarray(at, at + 700_000);
    },
    parts: 2,
    signal: new AbortController().signal,
    onBytes: (count) => {
      counted += count;
    },
  });
  const failure = await sending.then(
    () => undefined,
    (error: unknown) => error,
  );
  return { failure, counted };
}

test('a large file arrives in parts of 8 MiB, whose order is that of the file', async () => {
  expect(await upload(bytes)).toEqual({ failure: undefined, counted: bytes.length });
  expect([...parts].map(([number, { length }]) => [number, length]).sort()).toEqual([
    [1, 8 * mebibyte],
    [2, 8 * mebibyte],
    [3, 4 * mebibyte + 7],
  ]);
  expect(object?.equals(bytes)).toBe(true);
});

test.each([0, 1, 8 * mebibyte])('a file of %i bytes is one request', async (size) => {
  expect(await upload(bytes.subarray(0, size))).toEqual({ failure: undefined, counted: size });
  expect(requests).toEqual(['PUT object', 'HEAD object']);
  expect(object?.equals(bytes.subarray(0, size))).toBe(true);
});

test('a refused part ends the upload: it is aborted, nothing appears, and its bytes no longer count', async () => {
  refused = 2;
  const { failure, counted } = await upload(bytes);
  refused = undefined;
  expect(failure).toMatchObject({ message: expect.stringContaining('write s3://models/org/model/big.bin') });
  expect(requests).toContain('DELETE u1');
  expect(requests).not.toContain('POST u1');
  expect([object, counted]).toEqual([undefined, 0]);
});
