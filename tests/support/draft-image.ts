import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { type Descriptor, type Digest, type ImageStore, mediaTypes } from '../../scripts/image/types.ts';
import type { ExpectedFile } from '../../scripts/verify/facts.ts';
import { directory, member, pax, type Spec } from './odd-tars.ts';

/** Images built by hand from the specifications, so that a test can set every byte. */

export const longPath = `deep/${'a-rather-long-name-'.repeat(6)}.bin`;
const contents: Record<string, Buffer> = {
  'model.joblib': Buffer.from('a model of irises '.repeat(90)),
  [longPath]: Buffer.alloc(512, 7),
  'README.md': Buffer.from('# Irises\n'),
};
export const files: ExpectedFile[] = Object.entries(contents).map(([path, content]) => ({
  path,
  size: content.length,
  sha256: hex(content),
}));

export interface LayerDraft {
  members: Spec[];
  /** In place of two blocks of zeros. */
  end?: Buffer;
  compression: 'none' | 'gzip' | 'zstd';
  annotations?: Record<string, string>;
}

export interface ConfigDraft {
  created: string;
  os: string;
  architecture: string;
  config: { User: string; Env: string[]; Labels: Record<string, string>; [key: string]: unknown };
  rootfs: { type: string; diff_ids: string[] };
  history: { created?: string; empty_layer?: boolean }[];
}
export interface ManifestDraft {
  schemaVersion: number;
  mediaType: string;
  config: Descriptor;
  layers: Descriptor[];
  annotations: Record<string, string>;
}
export interface IndexDraft {
  schemaVersion: number;
  mediaType: string;
  manifests: Descriptor[];
  annotations: Record<string, string>;
}

/** An image before it is built, which a test can change. */
export interface Draft {
  platforms: string[];
  base: LayerDraft[];
  model: LayerDraft[];
  editConfig?(config: ConfigDraft, platform: string): void;
  editManifest?(manifest: ManifestDraft, platform: string): void;
  editIndex?(index: IndexDraft): void;
  /** Changes a document's text. */
  editText?(text: string, mediaType: string): string;
}

/**
 * A valid image: two platforms, three model layers, a base like those of distributions (merged /usr, links, PAX, gzip).
 */
export function trueDraft(compression: LayerDraft['compression'] = 'none'): Draft {
  const file = (path: string) => ({ name: `models/${path}`, content: contents[path] ?? '' });
  const listed = (path: string) =>
    JSON.stringify(
      files.filter((one) => one.path === path).map((one) => ({ ...one, path: `models/${path}` })),
    );
  const layer = (path: string, ...parents: Spec[]): LayerDraft => ({
    members: [directory('models/'), ...parents, file(path)],
    compression,
    annotations: { 'dev.modelcars.layer.files': listed(path), 'org.opencontainers.image.title': path },
  });
  const program = { uid: 0, mode: 0o755, content: 'ELF' };
  return {
    platforms: ['linux/amd64', 'linux/arm64'],
    base: [
      {
        members: [
          directory('./', { uid: 0, mode: 0o755 }),
          { name: './bin', type: '2', link: 'usr/bin', uid: 0 },
          directory('./usr/bin/', { uid: 0, mode: 0o755 }),
          { name: './usr/bin/bash', ...program, before: pax('mtime', '1700000000.5') },
          { name: './usr/bin/coreutils', ...program },
          { name: './usr/bin/sh', type: '2', link: 'bash', uid: 0 },
          { name: './usr/bin/ls', type: '1', link: './usr/bin/coreutils', uid: 0 },
          { name: './usr/bin/old', ...program },
        ],
        compression: 'gzip',
      },
      {
        members: [
          { name: 'usr/bin/.wh.old', uid: 0 },
          ...['ln', 'sleep'].map((tool) => ({
            name: `usr/bin/${tool}`,
            type: '2',
            link: '/bin/coreutils',
            uid: 0,
          })),
          { name: 'usr/bin/mkdir', ...program },
        ],
        compression: 'gzip',
      },
    ],
    model: [layer('model.joblib'), layer(longPath, directory('models/deep/')), layer('README.md')],
  };
}

/** The bytes of a layer's tar. */
export function tarOf({ members, end = Buffer.alloc(1024) }: LayerDraft): Buffer {
  return Buffer.concat([...members.map(member), end]);
}

/** A store in memory that checks nothing, like a hostile one. */
export class MemoryStore implements ImageStore {
  readonly blobs = new Map<string, Buffer>();
  readonly tags = new Map<string, Descriptor>();
  /** Digests in the order in which their blobs were opened. */
  readonly opened: string[] = [];
  chunkSize = 1000;

  put(bytes: Uint8Array, mediaType: string): Descriptor {
    const digest: Digest = `sha256:${hex(bytes)}`;
    this.blobs.set(digest, Buffer.from(bytes));
    return { mediaType, digest, size: bytes.length };
  }

  async resolve(name: string): Promise<Descriptor | undefined> {
    return this.tags.get(name);
  }

  async read(descriptor: Descriptor): Promise<Uint8Array> {
    return this.blobs.get(descriptor.digest) ?? Buffer.alloc(0);
  }

  async *open(descriptor: Descriptor, offset = 0, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    this.opened.push(descriptor.digest);
    const bytes = this.blobs.get(descriptor.digest) ?? Buffer.alloc(0);
    for (let at = offset; at < bytes.length; at += this.chunkSize) {
      signal?.throwIfAborted();
      yield bytes.subarray(at, at + this.chunkSize);
    }
  }
}

const layerTypes = { none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd };
const created = '1970-01-01T00:00:00Z';
export const baseDigest = `sha256:${'b'.repeat(64)}`;

/** Builds the image of a draft; its name is `iris:v1`. */
export function makeImage(draft: Draft): MemoryStore {
  const store = new MemoryStore();
  const common = { title: 'iris', revision: 'r1', created, 'base.name': 'embedded' };
  const annotations = Object.fromEntries(
    Object.entries(common).map(([key, value]) => [`org.opencontainers.image.${key}`, value]),
  );
  const put = (value: unknown, mediaType: string) => {
    const text = JSON.stringify(value);
    return store.put(Buffer.from(draft.editText?.(text, mediaType) ?? text), mediaType);
  };
  const layers = [...draft.base, ...draft.model].map((layer) => {
    const tar = tarOf(layer);
    const blob = { none: () => tar, gzip: () => gzipSync(tar), zstd: () => zstdCompressSync(tar) }[
      layer.compression
    ]();
    const descriptor = store.put(blob, layerTypes[layer.compression]);
    if (layer.annotations !== undefined) descriptor.annotations = layer.annotations;
    return { descriptor, diffId: `sha256:${hex(tar)}` };
  });
  const manifests = draft.platforms.map((platform): Descriptor => {
    const [os = '', architecture = ''] = platform.split('/');
    const own = { ...annotations, 'org.opencontainers.image.base.digest': baseDigest };
    const config: ConfigDraft = {
      created,
      os,
      architecture,
      config: { User: '1001', Env: ['PATH=/usr/local/bin:/bin'], Labels: { ...annotations } },
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) },
      history: [{ empty_layer: true }, ...layers.map(() => ({ created }))],
    };
    draft.editConfig?.(config, platform);
    const manifest: ManifestDraft = {
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: put(config, mediaTypes.config),
      layers: layers.map((layer) => ({ ...layer.descriptor })),
      annotations: own,
    };
    draft.editManifest?.(manifest, platform);
    return { ...put(manifest, mediaTypes.manifest), platform: { os, architecture } };
  });
  const index: IndexDraft = { schemaVersion: 2, mediaType: mediaTypes.index, manifests, annotations };
  draft.editIndex?.(index);
  store.tags.set('iris:v1', put(index, mediaTypes.index));
  return store;
}

export function hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
