import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'fflate';
import { type Descriptor, type Digest, mediaTypes } from '../scripts/image/types.ts';

const created = '1970-01-01T00:00:00Z';
const title = 'modelcars embedded base';
const licenses = 'Apache-2.0 AND BSD-3-Clause';

/**
 * Writes an OCI image layout of an image with one gzip layer per platform, under the name "embedded", to the empty
 * folder `folder`. `tars` holds the layer's tar by architecture, in the order of the index. Returns the index's
 * descriptor.
 */
export async function writeLayout(folder: string, tars: Map<string, Uint8Array>): Promise<Descriptor> {
  await mkdir(join(folder, 'blobs/sha256'), { recursive: true });
  const manifests: Descriptor[] = [];
  for (const [architecture, tar] of tars) {
    const platform = { architecture, os: 'linux' };
    manifests.push({ ...(await writeImage(folder, architecture, tar)), platform });
  }
  const index = await writeJson(folder, mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests,
    annotations: annotations(),
  });
  await writeFile(join(folder, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
  const entry = { ...index, annotations: { 'org.opencontainers.image.ref.name': 'embedded' } };
  await writeFile(
    join(folder, 'index.json'),
    json({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [entry] }),
  );
  return index;
}

async function writeImage(folder: string, architecture: string, tar: Uint8Array): Promise<Descriptor> {
  // fflate is plain JavaScript: its output is always the same, unlike that of node:zlib, whose code differs by CPU and
  // Node build.
  const layer = await writeBlob(folder, mediaTypes.layerGzip, gzipSync(tar, { level: 9, mem: 12, mtime: 0 }));
  const config = await writeJson(folder, mediaTypes.config, {
    created,
    architecture,
    os: 'linux',
    // No Entrypoint: KServe sets only args, which an entrypoint would receive as its arguments. Args replace Cmd.
    config: {
      User: '1001',
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Cmd: ['sh'],
      WorkingDir: '/',
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    history: [{ created, created_by: 'modelcars base/build.ts' }],
  });
  return writeJson(folder, mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config,
    layers: [layer],
    annotations: annotations(),
  });
}

function annotations(): Record<string, string> {
  return {
    'org.opencontainers.image.created': created,
    'org.opencontainers.image.description':
      'The shell and tools that KServe runs in a modelcar, and nothing else',
    'org.opencontainers.image.licenses': licenses,
    'org.opencontainers.image.title': title,
  };
}

function writeJson(folder: string, mediaType: string, value: unknown): Promise<Descriptor> {
  return writeBlob(folder, mediaType, Buffer.from(json(value)));
}

async function writeBlob(folder: string, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  const digest = digestOf(bytes);
  await writeFile(join(folder, 'blobs', digest.replace(':', '/')), bytes);
  return { mediaType, digest, size: bytes.length };
}

function json(value: unknown): string {
  return JSON.stringify(value);
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
