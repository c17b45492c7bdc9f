/** A small in-process registry that misbehaves on demand; for the tests of registry/. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Content, Digest } from '../../scripts/image/types.ts';
import { RegistryClient, type RegistryOptions } from '../../scripts/registry/client.ts';

export interface FakeRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: IncomingMessage['headers'];
}

export interface FakeUpload {
  chunks: Buffer[];
  size: number;
}

export interface FakeOptions {
  /** Sees each request first; returns true if it has answered it. */
  intercept?(
    request: IncomingMessage,
    response: ServerResponse,
    fake: FakeRegistry,
  ): boolean | undefined | Promise<boolean | undefined>;
  /** Break an upload request's connection after this many bytes, one number per request; undefined: do not break. */
  breaks?: (number | undefined)[];
  /** Whether a session survives a broken connection. */
  resumes?: boolean;
  /** Break by RST, which the client sees while it writes. */
  resets?: boolean;
  /** Count uploaded bytes instead of keeping and hashing them. */
  discards?: boolean;
  /** Answer the referrers API of distribution-spec 1.1 in pages of this many; absent: the API is not known. */
  referrersPage?: number;
}

export interface FakeRegistry extends AsyncDisposable {
  host: string;
  requests: FakeRequest[];
  blobs: Map<string, Buffer>;
  manifests: Map<string, { type: string; bytes: Buffer }>;
  uploads: Map<string, FakeUpload>;
  /** "POST PATCH PUT": the methods received, in order. */
  methods(): string;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startFake(options: FakeOptions = {}): Promise<FakeRegistry> {
  const server = createServer(async (request, response) => {
    fake.requests.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers });
    request.on('error', () => {});
    try {
      if (await options.intercept?.(request, response, fake)) return;
      await answer(request, response, fake, options);
    } catch {
      response.destroy();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: FakeRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    blobs: new Map(),
    manifests: new Map(),
    uploads: new Map(),
    methods: () => fake.requests.map((one) => one.method).join(' '),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return fake;
}

/** A client that retries quickly and uses no credentials of the user. */
export function testClient(options: RegistryOptions = {}): RegistryClient {
  return new RegistryClient({
    retry: { delay: 1 },
    env: { HOME: '/nonexistent', XDG_RUNTIME_DIR: '/nonexistent' },
    ...options,
  });
}

export interface TestContent extends Content {
  /** The offsets at which it was opened. */
  opened: number[];
}

/** Bytes as a content that returns them in chunks of `chunk` bytes. */
export function contentOf(bytes: Uint8Array, known: Partial<Content> = {}, chunk = 1000): TestContent {
  const opened: number[] = [];
  return {
    mediaType: 'application/vnd.oci.image.layer.v1.tar',
    ...known,
    opened,
    async *open(offset = 0) {
      opened.push(offset);
      for (let at = offset; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
    },
  };
}

export function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Responds without a body. */
export function respond(response: ServerResponse, status: number, headers = {}): true {
  response.req.resume();
  response.writeHead(status, headers).end();
  return true;
}

/** Responds with a status, headers and JSON in the specification's error format. */
export function refuse(response: ServerResponse, status: number, code = '', headers = {}): true {
  response.req.resume();
  const errors = code ? [{ code, message: code.toLowerCase() }] : [];
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ errors }));
  return true;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  fake: FakeRegistry,
  options: FakeOptions,
): Promise<unknown> {
  const url = new URL(request.url ?? '/', 'http://fake');
  const [, repository = '', kind = '', name = ''] =
    /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|referrers|tags)\/(.*)$/.exec(url.pathname) ?? [];
  if (kind === 'blobs/uploads')
    return await upload(request, response, fake, options, { url, repository, name });
  if (kind === 'blobs') return blob(request, response, fake.blobs.get(`${repository} ${name}`));
  if (kind === 'manifests') return await manifest(request, response, fake, `${repository} ${name}`);
  if (kind === 'referrers' && options.referrersPage !== undefined)
    return referrers(response, fake, options.referrersPage, { url, repository, name });
  if (kind === 'tags') {
    const mine = [...fake.manifests.keys()].filter(
      (key) => key.startsWith(`${repository} `) && !key.includes(':'),
    );
    return response.end(JSON.stringify({ name: repository, tags: mine.map((key) => key.split(' ')[1]) }));
  }
  return refuse(response, 404, 'NAME_UNKNOWN');
}

async function upload(
  request: IncomingMessage,
  response: ServerResponse,
  fake: FakeRegistry,
  options: FakeOptions,
  target: { url: URL; repository: string; name: string },
): Promise<unknown> {
  const { url, repository, name } = target;
  const base = `/v2/${repository}/blobs/uploads/`;
  if (request.method === 'POST') {
    const mounted = fake.blobs.get(`${url.searchParams.get('from')} ${url.searchParams.get('mount')}`);
    if (mounted) {
      fake.blobs.set(`${repository} ${url.searchParams.get('mount')}`, mounted);
      return response.writeHead(201).end();
    }
    const id = `session-${fake.requests.length}`;
    fake.uploads.set(id, { chunks: [], size: 0 });
    return response.writeHead(202, { location: `${base}${id}?state=0`, range: '0-0' }).end();
  }
  const session = fake.uploads.get(name);
  if (!session) return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN');
  const headers = () => ({
    location: `${base}${name}?state=${session.size}`,
    range: `0-${Math.max(session.size - 1, 0)}`,
  });
  if (request.method === 'GET') return response.writeHead(204, headers()).end();
  if (request.method === 'DELETE') {
    fake.uploads.delete(name);
    return response.writeHead(204).end();
  }
  const range = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1];
  if (range !== undefined && Number(range) !== session.size)
    return refuse(response, 416, 'RANGE_INVALID', headers());
  const limit = request.headers['content-length'] === '0' ? undefined : options.breaks?.shift();
  if (!(await receive(request, session, limit, options.discards ?? false))) {
    if (!options.resumes) fake.uploads.delete(name);
    return options.resets ? request.socket.resetAndDestroy() : request.socket.destroy();
  }
  if (request.method === 'PATCH') return response.writeHead(202, headers()).end();
  fake.uploads.delete(name);
  const digest = url.searchParams.get('digest') ?? '';
  const bytes = Buffer.concat(session.chunks);
  if (!options.discards && sha256(bytes) !== digest) return refuse(response, 400, 'DIGEST_INVALID');
  fake.blobs.set(`${repository} ${digest}`, bytes);
  return response.writeHead(201, { 'docker-content-digest': digest }).end();
}

/** Reads a body into a session; false if the connection is to break, after `limit` bytes. */
async function receive(
  request: IncomingMessage,
  session: FakeUpload,
  limit: number | undefined,
  discards: boolean,
): Promise<boolean> {
  let left = limit ?? Number.POSITIVE_INFINITY;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    const taken = chunk.subarray(0, left);
    left -= taken.length;
    session.size += taken.length;
    if (!discards) session.chunks.push(taken);
    if (left === 0) return false;
  }
  return limit === undefined;
}

function referrers(
  response: ServerResponse,
  fake: FakeRegistry,
  page: number,
  { url, repository, name }: { url: URL; repository: string; name: string },
): unknown {
  const all = [...fake.manifests]
    .filter(([key]) => key.startsWith(`${repository} sha256:`))
    .flatMap(([key, { type, bytes }]) => {
      const { subject, artifactType, annotations } = JSON.parse(bytes.toString('utf8'));
      if (subject?.digest !== name) return [];
      return [{ mediaType: type, digest: key.split(' ')[1], size: bytes.length, artifactType, annotations }];
    });
  const start = Number(url.searchParams.get('start') ?? 0);
  const link = `</v2/${repository}/referrers/${name}?start=${start + page}>; rel="next"`;
  response.writeHead(200, {
    'content-type': 'application/vnd.oci.image.index.v1+json',
    ...(start + page < all.length && { link }),
  });
  return response.end(JSON.stringify({ schemaVersion: 2, manifests: all.slice(start, start + page) }));
}

function blob(request: IncomingMessage, response: ServerResponse, bytes: Buffer | undefined): unknown {
  if (!bytes) return refuse(response, 404, 'BLOB_UNKNOWN');
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const start = Number(range?.[1] ?? 0);
  const end = range?.[2] ? Math.min(Number(range[2]) + 1, bytes.length) : bytes.length;
  response.writeHead(range ? 206 : 200, {
    'content-length': end - start,
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
  });
  return response.end(request.method === 'HEAD' ? undefined : bytes.subarray(start, end));
}

async function manifest(
  request: IncomingMessage,
  response: ServerResponse,
  fake: FakeRegistry,
  key: string,
): Promise<unknown> {
  if (request.method === 'PUT') {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const stored = { type: request.headers['content-type'] ?? '', bytes };
    fake.manifests.set(key, stored);
    fake.manifests.set(`${key.split(' ')[0]} ${sha256(bytes)}`, stored);
    return response.writeHead(201, { 'docker-content-digest': sha256(bytes) }).end();
  }
  const found = fake.manifests.get(key);
  if (!found) return refuse(response, 404, 'MANIFEST_UNKNOWN');
  response.writeHead(200, {
    'content-type': found.type,
    'content-length': found.bytes.length,
    'docker-content-digest': sha256(found.bytes),
  });
  return response.end(request.method === 'HEAD' ? undefined : found.bytes);
}
