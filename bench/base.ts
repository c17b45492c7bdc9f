/** Base images for the benchmark: as large as a real micro base, with the history that some tools require. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noise } from '../tests/parts/cli.ts';
import { run } from '../tests/parts/run.ts';

const oci = 'application/vnd.oci.image';
/** Bytes of its single layer. */
const layerSize = 8_000_000;

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
}

interface Document {
  mediaType: string;
  [key: string]: unknown;
}

/** The architecture of the benchmark's images: this machine's, as OCI names it. */
export const architecture = process.arch === 'x64' ? 'amd64' : process.arch;

/**
 * Pushes the base `bases/base:TAG`; every tag gives a different layer, and so a different base. Returns its reference.
 */
export async function pushBase(host: string, tag: string): Promise<string> {
  const url = `http://${host}/v2/bases/base`;
  const layer = await makeLayer(tag);
  const config = {
    os: 'linux',
    architecture,
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'bench' }],
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: `${oci}.manifest.v1+json`,
    config: await pushBlob(url, `${oci}.config.v1+json`, json(config)),
    layers: [await pushBlob(url, `${oci}.layer.v1.tar`, layer)],
  };
  const described = await pushManifest(`${url}/manifests/`, manifest);
  const manifests = [{ ...described, platform: { os: 'linux', architecture } }];
  await pushManifest(
    `${url}/manifests/`,
    { schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests },
    tag,
  );
  return `${host}/bases/base:${tag}`;
}

async function pushBlob(url: string, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  const digest = digestOf(bytes);
  const started = await fetch(`${url}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(started.headers.get('location') ?? '', url);
  location.searchParams.set('digest', digest);
  await put(location.href, 'application/octet-stream', bytes);
  return { mediaType, digest, size: bytes.length };
}

async function pushManifest(url: string, document: Document, tag?: string): Promise<Descriptor> {
  const bytes = json(document);
  const digest = digestOf(bytes);
  await put(url + (tag ?? digest), document.mediaType, bytes);
  return { mediaType: document.mediaType, digest, size: bytes.length };
}

async function put(url: string, type: string, bytes: Uint8Array): Promise<void> {
  const body = bytes as Uint8Array<ArrayBuffer>;
  const response = await fetch(url, { method: 'PUT', headers: { 'content-type': type }, body });
  if (!response.ok) throw new Error(`put ${url}: ${response.status} ${await response.text()}`);
}

/**
 * A tar with the programs that a modelcar's base must have (the benchmark runs none of them), and bytes that depend on
 * the tag.
 */
async function makeLayer(tag: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-bench-base-'));
  try {
    await mkdir(join(folder, 'bin'));
    for (const name of ['sh', 'ln', 'ls', 'sleep', 'mkdir'])
      await writeFile(join(folder, 'bin', name), '', { mode: 0o755 });
    await writeFile(join(folder, 'bin', 'busybox'), noise(layerSize, tag.length + tag.charCodeAt(0)), {
      mode: 0o755,
    });
    const plain = ['--owner=0', '--group=0', '--mtime=@0', '--sort=name', '--mode=0755'];
    await run('tar', [
      '--create',
      '--file',
      join(folder, 'layer.tar'),
      ...plain,
      '--directory',
      folder,
      'bin',
    ]);
    return await readFile(join(folder, 'layer.tar'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
