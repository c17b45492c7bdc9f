import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { parseIndex, parseManifest } from '../../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../../image/types.ts';

/** A server that serves this machine's images over plain http. */
export interface ImageServer extends AsyncDisposable {
  address: string;
  port: number;
}

/** An image to serve: its store and its root. */
export interface ServedImage {
  store: ImageStore;
  root: Descriptor;
}

/**
 * Serves images through the pull part of the OCI distribution protocol (distribution-spec 1.1, "Pulling manifests" and
 * "Pulling blobs"), directly from their stores, without a registry or a copy. All images are available under every
 * repository name, by digest only; nothing else is served, and nothing can be changed. Fails as `listen` does when the
 * address is not this machine's.
 */
export async function serveImages(images: readonly ServedImage[], address: string): Promise<ImageServer> {
  const known = new Map<string, { store: ImageStore; descriptor: Descriptor }>();
  for (const { store, root } of images) {
    for (const descriptor of await withinImage(store, root))
      known.set(descriptor.digest, { store, descriptor });
  }
  const server = createServer((request, response) => {
    answer(request, response, known).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, address, resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port to listen on');
  return {
    address,
    port: bound.port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The descriptors of an image: its index, manifests, configs and layers. */
export async function withinImage(store: ImageStore, root: Descriptor): Promise<Descriptor[]> {
  const bytes = await store.read(root);
  if (root.mediaType === mediaTypes.index || root.mediaType === mediaTypes.dockerIndex) {
    const { manifests } = parseIndex(bytes, root.digest);
    const inside = await Promise.all(manifests.map((manifest) => withinImage(store, manifest)));
    return [root, ...inside.flat()];
  }
  const { config, layers } = parseManifest(bytes, root.digest);
  return [root, config, ...layers];
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  known: ReadonlyMap<string, { store: ImageStore; descriptor: Descriptor }>,
): Promise<void> {
  const { method, url = '' } = request;
  if (method !== 'GET' && method !== 'HEAD') return refuse(response, 405, 'UNSUPPORTED');
  if (/^\/v2\/?$/.test(url)) {
    response.end('{}');
    return;
  }
  const match = /^\/v2\/[a-z0-9._/-]+\/(manifests|blobs)\/(sha256:[0-9a-f]{64})(\?.*)?$/.exec(url);
  const found = known.get(match?.[2] ?? '');
  if (found === undefined)
    return refuse(response, 404, match?.[1] === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN');
  const { store, descriptor } = found;
  // containerd resumes an interrupted blob with `Range: bytes=N-`.
  const start = Number(/^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const partial = start > 0 && start < descriptor.size;
  response.writeHead(partial ? 206 : 200, {
    'Content-Type': match?.[1] === 'blobs' ? 'application/octet-stream' : descriptor.mediaType,
    'Content-Length': descriptor.size - (partial ? start : 0),
    'Docker-Content-Digest': descriptor.digest,
    ...(partial && { 'Content-Range': `bytes ${start}-${descriptor.size - 1}/${descriptor.size}` }),
  });
  if (method === 'HEAD') response.end();
  else await pipeline(store.open(descriptor, partial ? start : 0), response);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message: 'not here' }] }));
}
