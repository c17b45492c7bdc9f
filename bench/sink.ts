/**
 * A registry in a separate process that accepts everything and keeps only the size of a large blob: for models larger
 * than the disk. It hashes nothing, so its times mean nothing.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { startServer } from './server-process.ts';

export interface Sink {
  /** `127.0.0.1:PORT` */
  host: string;
  stop(): void;
}

/** Starts one on a free port. */
export async function startSink(): Promise<Sink> {
  const { address, stop } = await startServer(import.meta.filename);
  return { host: address, stop };
}

interface Blob {
  size: number;
  /** Undefined if it is large. */
  bytes?: Buffer;
}

interface Document {
  type: string;
  bytes: Buffer;
}

/** Larger than any config or base layer. */
const keepUpTo = 32 * 1024 ** 2;
const blobs = new Map<string, Blob>();
const documents = new Map<string, Document>();
const uploads = new Map<string, { size: number; chunks: Buffer[] }>();

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sink');
  const [, repository = '', kind = '', name = ''] =
    /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags)\/(.*)$/.exec(url.pathname) ?? [];
  if (kind === 'blobs/uploads') return await upload(request, response, repository, name, url);
  if (kind === 'manifests') return await manifest(request, response, repository, name);
  request.resume();
  if (kind === 'blobs') {
    const blob = blobs.get(name);
    if (blob === undefined) return end(response, 404);
    response.writeHead(200, { 'content-length': blob.size, 'docker-content-digest': name });
    response.end(request.method === 'HEAD' ? undefined : blob.bytes);
    return;
  }
  if (kind !== 'tags') return end(response, url.pathname === '/v2/' ? 200 : 404);
  const tags = [...documents.keys()]
    .filter((key) => key.startsWith(`${repository} `) && !key.includes(':'))
    .map((key) => key.slice(repository.length + 1));
  if (tags.length === 0) return end(response, 404);
  response.end(JSON.stringify({ name: repository, tags }));
}

/** Blobs are shared by all repositories, so a mount always succeeds. */
async function upload(
  request: IncomingMessage,
  response: ServerResponse,
  repository: string,
  name: string,
  url: URL,
): Promise<void> {
  const base = `/v2/${repository}/blobs/uploads/`;
  const id = request.method === 'POST' ? randomUUID() : name;
  const mount = url.searchParams.get('mount');
  if (mount !== null && blobs.has(mount)) {
    request.resume();
    return end(response, 201, { 'docker-content-digest': mount });
  }
  const session = uploads.get(id) ?? { size: 0, chunks: [] };
  uploads.set(id, session);
  for await (const chunk of request as AsyncIterable<Buffer>) {
    session.size += chunk.length;
    if (session.size <= keepUpTo) session.chunks.push(chunk);
    else session.chunks = [];
  }
  const digest = url.searchParams.get('digest');
  if (digest === null) {
    const range = `0-${Math.max(0, session.size - 1)}`;
    return end(response, 202, { location: `${base}${id}`, range, 'docker-upload-uuid': id });
  }
  uploads.delete(id);
  const { size, chunks } = session;
  blobs.set(digest, { size, ...(size <= keepUpTo && { bytes: Buffer.concat(chunks) }) });
  end(response, 201, { 'docker-content-digest': digest });
}

async function manifest(
  request: IncomingMessage,
  response: ServerResponse,
  repository: string,
  reference: string,
): Promise<void> {
  if (request.method === 'PUT') {
    const bytes = await buffer(request);
    const digest = digestOf(bytes);
    const document = { type: request.headers['content-type'] ?? '', bytes };
    for (const name of [reference, digest]) documents.set(`${repository} ${name}`, document);
    return end(response, 201, { 'docker-content-digest': digest });
  }
  request.resume();
  const found = documents.get(`${repository} ${reference}`);
  if (found === undefined) return end(response, 404);
  const { type, bytes } = found;
  const headers = {
    'content-type': type,
    'content-length': bytes.length,
    'docker-content-digest': digestOf(bytes),
  };
  response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : bytes);
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-length': 0, ...headers }).end();
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

if (import.meta.main) {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${(server.address() as AddressInfo).port}`));
  process.stdin.resume().on('end', () => process.exit());
}
