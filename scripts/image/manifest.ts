import { hash } from 'node:crypto';
import { formatPlatform } from './platform.ts';
import { type Content, type Descriptor, type Digest, mediaTypes, type Platform } from './types.ts';

/** The parts of a base image's config that images built on it keep (image-spec config.md). */
export interface ImageConfig {
  architecture: string;
  os: string;
  variant?: string;
  config?: { Env?: string[]; [key: string]: unknown };
  rootfs: { type: string; diff_ids: string[] };
  history?: Record<string, unknown>[];
}

/** One platform's base, its layers already in the image's destination. */
export interface BaseLayers {
  platform: Platform;
  /** Digest of the base's manifest, for the `base.digest` annotation. */
  digest: Digest;
  config: ImageConfig;
  /** With OCI media types, in order. */
  layers: Descriptor[];
}

/** A model layer that was read once. */
export interface FinishedLayer {
  descriptor: Descriptor;
  diffId: Digest;
  /** For the history: the layer's content. */
  comment: string;
}

/** Small bytes made in memory: a config, manifest or index. */
export interface Document extends Content {
  digest: Digest;
  size: number;
  bytes: Uint8Array;
  /** Descriptor for the document that refers to this one. */
  descriptor: Descriptor;
}

export interface ImageDescription {
  /** RFC 3339, identical for every platform. */
  created: string;
  /** OCI annotations of index and manifests, and the config's labels. */
  annotations: Record<string, string>;
  /** The process that the image runs (image-spec config.md), and a folder to search first in PATH; a model image runs none. */
  process?: { entrypoint: string[]; workingDir: string; programs: string };
}

/** PATH for a base without one: container engines' default. */
const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The base's environment, with a folder of programs first in its PATH. */
function environmentOf(base: readonly string[], programs: string | undefined): string[] {
  if (programs === undefined) return [...base];
  const path = base.findLast((line) => line.startsWith('PATH=')) ?? defaultPath;
  return [...base.filter((line) => !line.startsWith('PATH=')), path.replace('=', `=${programs}:`)];
}

/**
 * Config and manifest of one platform: the base's layers, then the model's. The user is 1001. The base's environment is
 * kept; its entrypoint, command, labels, volumes and ports are dropped, since KServe starts the modelcar by arguments
 * alone and an ENTRYPOINT would swallow them (kserve pkg/webhook/admission/pod, modelcar sidecar).
 */
export function imageManifest(
  base: BaseLayers,
  layers: readonly FinishedLayer[],
  description: ImageDescription,
): { config: Document; manifest: Document } {
  const { platform } = base;
  const annotations = sorted({
    ...description.annotations,
    'org.opencontainers.image.base.digest': base.digest,
  });
  const config = documentOf(mediaTypes.config, {
    created: description.created,
    ...platformFields(platform),
    config: {
      User: '1001',
      Env: environmentOf(base.config.config?.Env ?? [defaultPath], description.process?.programs),
      ...(description.process && { Entrypoint: description.process.entrypoint }),
      WorkingDir: description.process?.workingDir ?? '/',
      Labels: annotations,
    },
    rootfs: {
      type: 'layers',
      diff_ids: [...base.config.rootfs.diff_ids, ...layers.map((layer) => layer.diffId)],
    },
    history: [
      ...baseHistory(base),
      ...layers.map((layer) => ({
        created: description.created,
        created_by: 'modelcars',
        comment: layer.comment,
      })),
    ],
  });
  const manifest = documentOf(mediaTypes.manifest, {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: config.descriptor,
    layers: [...base.layers, ...layers.map((layer) => layer.descriptor)],
    annotations,
  });
  return { config, manifest: { ...manifest, descriptor: { ...manifest.descriptor, platform } } };
}

/** One index for all platforms, sorted by platform name. */
export function imageIndex(manifests: readonly Document[], description: ImageDescription): Document {
  const order = (document: Document) =>
    document.descriptor.platform ? formatPlatform(document.descriptor.platform) : '';
  return documentOf(mediaTypes.index, {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: manifests
      .toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
      .map((document) => document.descriptor),
    annotations: sorted(description.annotations),
  });
}

/** JSON as content. Keys keep the order written here, so that equal values give equal bytes. */
export function documentOf(mediaType: string, value: unknown): Document {
  return documentOfBytes(mediaType, Buffer.from(JSON.stringify(value)));
}

/** Bytes in memory as content. */
export function documentOfBytes(mediaType: string, bytes: Uint8Array): Document {
  const digest: Digest = `sha256:${hash('sha256', bytes)}`;
  return {
    mediaType,
    digest,
    size: bytes.length,
    bytes,
    descriptor: { mediaType, digest, size: bytes.length },
    async *open(offset = 0) {
      yield bytes.subarray(offset);
    },
  };
}

function platformFields({ architecture, os, variant }: Platform): Record<string, string> {
  return variant === undefined ? { architecture, os } : { architecture, os, variant };
}

/** The base's history if it describes exactly its layers (some builders omit it), otherwise one entry per layer. */
function baseHistory(base: BaseLayers): Record<string, unknown>[] {
  const history = base.config.history ?? [];
  if (history.filter((entry) => entry.empty_layer !== true).length === base.layers.length) return history;
  return base.layers.map(() => ({ comment: 'base image' }));
}

function sorted(record: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
