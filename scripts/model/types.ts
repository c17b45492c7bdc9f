/** The catalog, the frameworks and the lock, as the other rooms see them. */
import type { Serving } from './serving.ts';
import type { ModelSmoke } from './smoke.ts';
import type { Allow, Trust } from './trust.ts';

export type * from './framework.ts';
export type * from './llm-serving.ts';
export type * from './serving.ts';
export type * from './smoke.ts';

/** Compression of a stored layer; `none` is right for weights (they hardly compress, and gzip slows pulls). */
export type Compression = 'none' | 'gzip' | 'zstd';

/** One entry of models.yaml with every default and override applied. */
export type CatalogEntry = Model | Loader;

/** The settings of every image, whatever it contains. */
interface ImageEntry {
  /** DNS-1123 label; the image's name and the last part of its repository. */
  name: string;
  /** `v1.2.3`, or undefined when neither the catalog nor --version gives one. */
  version?: string;
  /** Additional tags to push. */
  tags: string[];
  /** Whether `v1.2`, `v1` and `latest` follow the version; true when absent. */
  floatingTags?: boolean;
  /** `embedded` or an image reference. */
  base: string;
  /** `os/architecture[/variant]`, sorted, without duplicates. */
  platforms: string[];
  compression: Compression;
  /** Registry host and optional path, `quay.io/me`; undefined when neither the catalog nor --registry gives one. */
  registry?: string;
  /** Written as org.opencontainers.image.* annotations when given. */
  title?: string;
  description?: string;
  /** Additional annotations, unchanged. */
  annotations: Record<string, string>;
}

/** An entry that is a model. */
export interface Model extends ImageEntry {
  image?: never;
  /** A folder of frameworks/. */
  framework: string;
  /** A URI that one of the kinds of sources reads, such as `file:path` or `hf://org/repo`. */
  source: string;
  /** Additional files: path below /models → URI of a single file. A path that `source` also has is an error. */
  files: Record<string, string>;
  /** Globs over the source's paths; empty means the framework's. */
  include: string[];
  exclude: string[];
  /** The largest planned layer, in bytes; by default the registry's known limit, falling back to GHCR's 10 GB. */
  maxLayerSize?: number;
  /** An SPDX expression. */
  licenses?: string;
  /** Whether `licenses` comes from `defaults:`, which does not know the model. */
  licensesByDefault?: true;
  /** Serving settings in addition to its framework's. Not part of the image. */
  serving?: Serving;
  /** Its own smoke test; false: none is made. Not part of the image. */
  smoke?: ModelSmoke | false;
  /** What the check for unsafe files lets through. Not part of the image. */
  allow?: Allow;
}

/** An entry for modelcars itself, as a container that runs `modelcars cache`. Only its base image is locked. */
export interface Loader extends ImageEntry {
  image: 'loader';
}

export interface Catalog {
  /** Absolute path of models.yaml. */
  file: string;
  /** Its folder: relative `file:` sources start here. */
  directory: string;
  /**
   * Absolute path of its lock beside it: models.lock.yaml, or dev.lock.yaml of a dev.yaml (see catalog/lock-path.ts).
   */
  lockFile: string;
  /** Registry prefix → replacement to pull from; the longest prefix wins. */
  mirrors: Record<string, string>;
  /** `s3://bucket/prefix` where files of hub models are looked up before the hub. */
  cache?: string;
  /** The only licences that models can have, as SPDX expressions; absent: any. */
  allowLicenses?: string[];
  /** Who signs the images; absent: unstated. */
  trust?: Trust;
  models: CatalogEntry[];
}

/** Settings from the command line; they override defaults and models alike. */
export interface Overrides {
  registry?: string;
  version?: string;
  tags?: string[];
  floatingTags?: boolean;
  base?: string;
  platforms?: string[];
  compression?: Compression;
  /** Added to the catalog's mirrors; takes precedence where both have a prefix. */
  mirrors?: Record<string, string>;
}

/** One file of a model, as resolved and locked. */
export interface LockedFile {
  /** Path below the source's root, `/` as separator, checked to be relative and free of `..`. */
  path: string;
  /** Bytes. */
  size: number;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
  /**
   * Path below /models, only where it does not follow from the name: an ONNX graph names its external data, and a
   * single model file has the name that its server looks for.
   */
  place?: string;
  /** URI, only for a file that comes from the model's `files:`. */
  source?: string;
  /** The resolved revision of that URI, where its kind has revisions. */
  revision?: string;
}

export interface LockedModel {
  framework: string;
  source: string;
  /** The resolved revision: a commit for a hub, a content hash for files. */
  revision: string;
  /** From a hub's model card: `license`, `base_model`, `pipeline_tag` and the like; absent without any. */
  metadata?: Record<string, string>;
  /** Versions of the libraries that made the model, as far as its files name them; absent when they name none. */
  libraries?: Record<string, string>;
  /** The globs that selected the files: a changed selection makes the lock out of date. */
  include: string[];
  exclude: string[];
  /** Sorted by path (byte order). */
  files: LockedFile[];
  /** The image layers made of these files, as far as they were read; absent when none were. */
  layers?: LockedLayer[];
}

/** A layer whose digest is known in advance, so that a machine can push it without reading the model. */
export interface LockedLayer {
  /** Paths below /models, in tar order. */
  files: string[];
  /** Digest of the layer as stored in a registry. */
  digest: string;
  /** Bytes as stored in a registry. */
  size: number;
  /** Digest of the uncompressed tar; absent for an uncompressed layer, where it is `digest`. */
  diffId?: string;
  /** Binds the digest to the files' hashes, the compression and the times in the tar (see image/layer.ts). */
  key: string;
  /** Version of the walk for unsafe files that its files passed without `allow:`; absent when none did. */
  walked?: number;
}

/** A base image as pinned: the manifest digest of each platform. */
export type LockedBase = Record<string, string>;

export interface Lock {
  lockVersion: 1;
  /** Base as written in the catalog (`embedded` or a reference) → platform → manifest digest. */
  bases: Record<string, LockedBase>;
  models: Record<string, LockedModel>;
}
