import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Certificates, makeCertificates } from '../parts/certificates.ts';
import { modelcars, noise, tryModelcars } from '../parts/cli.ts';

let folder: string;
let certificates: Certificates;
let origin: string;
let close: () => Promise<void>;
let content: Uint8Array;
/** Requested paths, and the first byte requested of each. */
let requests: string[];
/** How many more responses break off after 700,000 bytes. */
let breaks: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-https-'));
  certificates = await makeCertificates(folder);
  const [cert, key] = await Promise.all(
    [certificates.certificateFile, certificates.keyFile].map((file) => readFile(file)),
  );
  const server = createServer({ cert: cert ?? '', key: key ?? '' }, (request, response) => {
    requests.push(`${request.url} ${request.headers.range ?? ''}`.trim());
    likeGitHub(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = async () => {
    server.closeAllConnections();
    await once(server.close(), 'close');
  };
});
afterAll(async () => {
  await close();
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  requests = [];
  content = noise(3_000_000, 7);
  breaks = 0;
});

/** `/raw/` redirects to the content, as on github.com for a file in Git LFS; the target has ranges and an ETag. */
function likeGitHub(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '';
  if (url.startsWith('/raw/')) {
    response
      .writeHead(302, { location: `${origin}/media/${createHash('sha256').update(url).digest('hex')}` })
      .end();
    return;
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const etag = `"${createHash('sha256').update(content).digest('hex')}"`;
  const range =
    start > 0 ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {};
  response.writeHead(start > 0 ? 206 : 200, { etag, 'content-length': content.length - start, ...range });
  if (breaks-- <= 0) response.end(content.subarray(start));
  else
    response.write(content.subarray(start, start + 700_000), () => setTimeout(() => response.destroy(), 50));
}

/** The folder of a catalog with one model from the server. */
async function catalog(name: string): Promise<string> {
  const at = join(folder, name);
  await mkdir(at, { recursive: true });
  const source = `${origin}/raw/mobilenetv2-7.onnx?download=true`;
  const model = { name: 'mobilenet', framework: 'onnx', source, version: 'v1.0.0', base: 'embedded' };
  await writeFile(join(at, 'models.yaml'), stringify({ models: [{ ...model, platforms: ['linux/amd64'] }] }));
  return at;
}

test('locks a model by URL, builds it from there, and its bytes are in the image', async () => {
  const cwd = await catalog('whole');
  await modelcars(['lock', '--ca-file', certificates.caFile], { cwd });
  const sha256 = createHash('sha256').update(content).digest('hex');
  const lock = parse(await readFile(join(cwd, 'models.lock.yaml'), 'utf8'));
  expect(lock.models.mobilenet).toMatchObject({
    revision: `sha256:${sha256}`,
    files: [{ path: 'mobilenetv2-7.onnx', size: content.length, sha256 }],
  });
  await modelcars(['build', '--verify', '--frozen', '--ca-file', certificates.caFile], { cwd });
  const shown = JSON.parse(await modelcars(['inspect', 'mobilenet:v1.0.0', '--json'], { cwd }));
  expect(JSON.stringify(shown)).toContain('models/1/model.onnx');
  expect(JSON.stringify(shown)).toContain(sha256);
});

test('resumes after three broken connections', async () => {
  const cwd = await catalog('broken');
  breaks = 3;
  await modelcars(['lock', '--ca-file', certificates.caFile], { cwd });
  expect(requests.filter((one) => one.startsWith('/media/')).map((one) => one.split(' ')[1])).toEqual([
    undefined,
    'bytes=700000-',
    'bytes=1400000-',
    'bytes=2100000-',
    // Which libraries made it is read from its start.
    undefined,
  ]);
  const lock = parse(await readFile(join(cwd, 'models.lock.yaml'), 'utf8'));
  expect(lock.models.mobilenet.revision).toBe(`sha256:${createHash('sha256').update(content).digest('hex')}`);
});

test.each([
  ['of another size', () => noise(3_000_001, 7), /has 3000001 bytes, the lock has 3000000/],
  [
    'of the same size',
    () => noise(3_000_000, 8),
    /read 1\/model\.onnx: it has sha256 [0-9a-f]{64}, the lock has/,
  ],
])('a file that changed since the lock, %s, stops the build', async (name, change, words) => {
  const cwd = await catalog(name.replaceAll(' ', '-'));
  await modelcars(['lock', '--ca-file', certificates.caFile], { cwd });
  content = change();
  const { code, stderr } = await tryModelcars(['build', '--ca-file', certificates.caFile], { cwd });
  expect(code).toBe(1);
  expect(stderr).toMatch(words);
  expect(stderr).toContain('modelcars lock');
  expect(stderr).not.toContain('download=true');
});

test('rejects an untrusted certificate', async () => {
  const cwd = await catalog('untrusted');
  const { code, stderr } = await tryModelcars(['lock'], { cwd });
  expect(code).toBe(1);
  expect(stderr).toMatch(/127\.0\.0\.1:\d+ shows a certificate that is not trusted/);
  expect(stderr).toContain('--ca-file');
  expect(requests).toEqual([]);
});

test('a signature in a URL is a catalog error', async () => {
  const cwd = await catalog('signed');
  const text = await readFile(join(cwd, 'models.yaml'), 'utf8');
  await writeFile(
    join(cwd, 'models.yaml'),
    text.replace('download=true', 'X-Amz-Signature=0123456789abcdef'),
  );
  const { code, stderr } = await tryModelcars(['lock', '--ca-file', certificates.caFile], { cwd });
  expect(code).toBe(2);
  expect(stderr).toContain('`X-Amz-Signature`');
  expect(stderr).not.toContain('0123456789abcdef');
});
