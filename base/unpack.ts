import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import type { Descriptor } from '../scripts/image/types.ts';

/** The fields of image-spec config.md that the tests read. */
interface Config {
  architecture: string;
  os: string;
  created: string;
  config: Record<string, unknown>;
  rootfs: { type: string; diff_ids: string[] };
}

/** A member of a layer's tar. */
export interface Member {
  header: Header;
  content: Buffer;
}

/** One platform's image in a layout, for the tests: read by code separate from the code that wrote it. */
export interface Image {
  descriptor: Descriptor;
  manifest: { config: Descriptor; layers: Descriptor[]; annotations: Record<string, string> };
  config: Config;
  members: Member[];
  /** sha256 digest of the uncompressed layer. */
  diffId: string;
}

/** Reads a blob; its bytes are not checked. */
export function blob(layout: string, digest: string): Buffer {
  return readFileSync(join(layout, 'blobs', digest.replace(':', '/')));
}

/** Reads the layout's images, in the order of the index. Fails on anything that is not an index of one-layer images. */
export async function images(layout: string): Promise<Image[]> {
  const top: { manifests: Descriptor[] } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
  const [entry, ...others] = top.manifests;
  if (entry === undefined || others.length > 0) throw new Error('index.json: one entry expected');
  const index: { manifests: Descriptor[] } = JSON.parse(blob(layout, entry.digest).toString());
  return Promise.all(index.manifests.map((descriptor) => image(layout, descriptor)));
}

async function image(layout: string, descriptor: Descriptor): Promise<Image> {
  const manifest: Image['manifest'] = JSON.parse(blob(layout, descriptor.digest).toString());
  const [layer, ...others] = manifest.layers;
  if (layer === undefined || others.length > 0) throw new Error('manifest: one layer expected');
  const tar = gunzipSync(blob(layout, layer.digest));
  return {
    descriptor,
    manifest,
    config: JSON.parse(blob(layout, manifest.config.digest).toString()),
    members: await untar(tar),
    diffId: `sha256:${createHash('sha256').update(tar).digest('hex')}`,
  };
}

async function untar(tar: Buffer): Promise<Member[]> {
  const members: Member[] = [];
  const reader = extract();
  reader.end(tar);
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    members.push({ header: entry.header, content: Buffer.concat(chunks) });
  }
  return members;
}

/** Writes the members below a folder with their modes, ignoring the umask; the owner is the current user. */
export function writeMembers(members: Member[], root: string): void {
  for (const { header, content } of members) {
    const path = join(root, header.name);
    if (header.type === 'symlink') symlinkSync(header.linkname ?? '', path);
    else if (header.type === 'directory') mkdirSync(path, { recursive: true });
    else writeFileSync(path, content);
    if (header.type !== 'symlink') chmodSync(path, header.mode ?? 0);
  }
}
