/** Base images that tests push to a registry, so that a base can change without a network. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string };
}

/** The base's digests, each once: a push on top of the base sends no other base digests. */
export interface PushedBase {
  /** `127.0.0.1:PORT/bases/shell:v1` */
  reference: string;
  layers: string[];
}

const oci = 'application/vnd.oci.image';

/**
 * Pushes a base for amd64 and arm64: one layer with the programs that a modelcar's base must have (empty files, because
 * tests do not run them), and one with a file of `content`; a different content makes a different base. `tag`: `v1` by
 * default.
 */
export async function pushBase(
  host: string,
  repository: string,
  content: string,
  tag?: string,
): Promise<PushedBase> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-base-'));
  try {
    const programs = Object.fromEntries(
      ['sh', 'ln', 'ls', 'sleep', 'mkdir'].map((name) => [`bin/${name}`, '']),
    );
    const tars = [await layer(folder, programs), await layer(folder, { 'etc/marker': content })];
    const layers = await Promise.all(tars.map(async (tar) => digestOf(await readFile(tar))));
    return { reference: await pushLayers(host, repository, tars, {}, tag), layers };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Pushes uncompressed layers (files) as an image for amd64 and arm64 under a tag. Returns its reference. */
export async function pushLayers(
  host: string,
  repository: string,
  tars: string[],
  process: object,
  tag = 'v1',
): Promise<string> {
  const url = `http://${host}/v2/${repository}`;
  const put = async (at: string, type: string, bytes: Uint8Array): Promise<void> => {
    const response = await fetch(at, { method: 'PUT', headers: { 'content-type': type }, body: bytes });
    if (!response.ok) throw new Error(`put ${at}: ${response.status} ${await response.text()}`);
  };
  const push = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
    const digest = digestOf(bytes);
    if (mediaType.endsWith('.v1+json') && !mediaType.includes('config')) {
      await put(`${url}/manifests/${digest}`, mediaType, bytes);
    } else {
      const started = await fetch(`${url}/blobs/uploads/`, { method: 'POST' });
      const location = new URL(started.headers.get('location') ?? '', url);
      location.searchParams.set('digest', digest);
      await put(location.href, 'application/octet-stream', bytes);
    }
    return { mediaType, digest, size: bytes.length };
  };
  const layers: Descriptor[] = [];
  for (const tar of tars) layers.push(await push(`${oci}.layer.v1.tar`, await readFile(tar)));
  const manifests: Descriptor[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
    const config = await push(
      `${oci}.config.v1+json`,
      json({ os: 'linux', architecture, rootfs, config: process }),
    );
    const document = { schemaVersion: 2, mediaType: `${oci}.manifest.v1+json`, config, layers };
    const manifest = await push(document.mediaType, json(document));
    manifests.push({ ...manifest, platform: { os: 'linux', architecture } });
  }
  const index = { schemaVersion: 2, mediaType: `${oci}.index.v1+json`, manifests };
  await put(`${url}/manifests/${tag}`, index.mediaType, json(index));
  return `${host}/${repository}:${tag}`;
}

/** Files as a tar made by tar(1), each executable. Returns its path. */
async function layer(folder: string, files: Record<string, string>): Promise<string> {
  const tree = await mkdtemp(join(folder, 'tree-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(tree, path, '..'), { recursive: true });
    await writeFile(join(tree, path), content, { mode: 0o755 });
  }
  const plain = ['--owner=0', '--group=0', '--mtime=@0', '--sort=name', '--mode=0755'];
  const tops = [...new Set(Object.keys(files).map((path) => path.split('/')[0] ?? path))];
  await run('tar', ['--create', '--file', `${tree}.tar`, ...plain, '--directory', tree, ...tops]);
  return `${tree}.tar`;
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
