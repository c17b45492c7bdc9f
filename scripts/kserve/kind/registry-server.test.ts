import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Descriptor, type Digest, type ImageStore, mediaTypes } from '../../image/types.ts';
import { layoutTar } from './import-images.ts';
import { type ImageServer, serveImages } from './registry-server.ts';

const blobs = new Map<string, Uint8Array>();

function blob(mediaType: string, content: Uint8Array | object): Descriptor {
  const bytes = content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));
  const digest: Digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

const layer = blob(mediaTypes.layer, new TextEncoder().encode('a layer of some bytes'));
const config = blob(mediaTypes.config, {
  architecture: 'amd64',
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: [] },
});
const manifest = blob(mediaTypes.manifest, {
  schemaVersion: 2,
  mediaType: mediaTypes.manifest,
  config,
  layers: [layer],
});
const index = blob(mediaTypes.index, {
  schemaVersion: 2,
  mediaType: mediaTypes.index,
  manifests: [{ ...manifest, platform: { os: 'linux', architecture: 'amd64' } }],
});
const stranger = blob(mediaTypes.layer, new TextEncoder().encode('of another image in the same layout'));

const store: ImageStore = {
  resolve: async () => index,
  read: async ({ digest }) => blobs.get(digest) ?? new Uint8Array(),
  async *open({ digest }, offset = 0) {
    yield (blobs.get(digest) ?? new Uint8Array()).subarray(offset);
  },
};

let server: ImageServer;
let base: string;
beforeAll(async () => {
  server = await serveImages([{ store, root: index }], '127.0.0.1');
  base = `http://127.0.0.1:${server.port}/v2`;
});
afterAll(() => server[Symbol.asyncDispose]());

it('answers GET /v2/ as a registry', async () => {
  expect((await fetch(`${base}/`)).status).toBe(200);
});

it.each([
  ['index', 'manifests', index],
  ['manifest', 'manifests', manifest],
  ['config', 'blobs', config],
  ['layer', 'blobs', layer],
])('serves the %s by digest, under any name', async (_, kind, { digest, size, mediaType }) => {
  for (const method of ['HEAD', 'GET']) {
    const response = await fetch(`${base}/any/name/${kind}/${digest}?ns=modelcars.local`, { method });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe(String(size));
    expect(response.headers.get('docker-content-digest')).toBe(digest);
    if (kind === 'manifests') expect(response.headers.get('content-type')).toBe(mediaType);
    const bytes = new Uint8Array(await response.arrayBuffer());
    expect(bytes).toEqual(method === 'GET' ? blobs.get(digest) : new Uint8Array());
  }
});

it('resumes a blob from a range', async () => {
  const response = await fetch(`${base}/a/blobs/${layer.digest}`, { headers: { Range: 'bytes=8-' } });
  expect(response.status).toBe(206);
  expect(response.headers.get('content-range')).toBe('bytes 8-20/21');
  expect(await response.text()).toBe('of some bytes');
});

it.each([
  ['another image', 'GET', `/a/blobs/${stranger.digest}`, 404],
  ['a tag', 'GET', '/a/manifests/latest', 404],
  ['a path traversal', 'GET', '/a/blobs/../../etc/passwd', 404],
  ['an upload', 'POST', '/a/blobs/uploads/', 405],
  ['a deletion', 'DELETE', `/a/manifests/${index.digest}`, 405],
])('refuses %s', async (_, method, path, status) => {
  expect((await fetch(`${base}${path}`, { method })).status).toBe(status);
});

it('fails for an address of another machine', async () => {
  await expect(serveImages([{ store, root: index }], '192.0.2.1')).rejects.toThrow(/EADDRNOTAVAIL/);
});

it('writes the same images as a tar, each blob once', async () => {
  const chunks: Uint8Array[] = [];
  const image = { store, root: index, name: `modelcars.local/iris@${index.digest}` };
  for await (const chunk of layoutTar([image, image])) chunks.push(chunk);
  const tar = Buffer.concat(chunks);
  const names: string[] = [];
  let entries = '';
  for (let at = 0; tar[at] !== 0; ) {
    const name = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    names.push(name);
    if (name === 'index.json') entries = tar.toString('utf8', at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  const blobNames = [index, manifest, config, layer].map(({ digest }) => `blobs/sha256/${digest.slice(7)}`);
  expect(names).toEqual([...blobNames, 'oci-layout', 'index.json']);
  expect(JSON.parse(entries).manifests[0]).toMatchObject({
    digest: index.digest,
    annotations: { 'io.containerd.image.name': `modelcars.local/iris@${index.digest}` },
  });
});
