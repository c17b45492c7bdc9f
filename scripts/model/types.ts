/** The catalog, the frameworks and the lock, as the other rooms see them. */
import type { Serving } from './serving.ts';
import type { ModelSmoke, SmokeTest } from './smoke.ts';
import type { Trust } from './trust.ts';

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
}

/** A base image as pinned: the manifest digest of each platform. */
export type LockedBase = Record<string, string>;

export interface Lock {
  lockVersion: 1;
  /** Base as written in the catalog (`embedded` or a reference) → platform → manifest digest. */
  bases: Record<string, LockedBase>;
  models: Record<string, LockedModel>;
}

/** A model's files as they are below /models in its image, read without unpacking. */
export interface ModelReader {
  /** Sorted by byte order. */
  paths: readonly string[];
  /** Bytes; undefined for a path that does not exist. */
  size(path: string): number | undefined;
  /** At most `length` bytes from `offset`; fewer at the end of the file. */
  read(path: string, offset: number, length: number): Promise<Uint8Array>;
}

/** Which of a source's files a framework needs, when the source has the same weights in several formats. */
export interface Choice {
  take: string[];
  leave: string[];
  /** Why the others are left out: completes "left out … : ". */
  why: string;
}

/** Why paths of a source are not one model. */
export interface Refusal {
  /** Completes "SOURCE …". */
  problem: string;
  /** The step that fixes it in models.yaml. */
  next: string;
  /** For each model among them its first file; empty when they have none or one. */
  choices: string[];
}

/** What a source's files say of themselves, before they are chosen for good. */
export interface Examination {
  /** Further paths of the source that chosen files name. */
  also?: string[];
  /** Path of the source → path below /models, where it is not that of `place`. */
  places?: Record<string, string>;
  /** One line each, for the log. */
  warnings?: string[];
  /** Why they are no model of this framework. */
  refusal?: Omit<Refusal, 'choices'>;
}

/** What the files of an image say of themselves, once all are chosen and have their places. */
export interface ImageFindings {
  /** One line each, for the log. */
  warnings?: string[];
  /** Why the server could not load them. `problem` is a sentence about files, by their paths below /models. */
  refusal?: { problem: string; next: string };
}

/** What a framework needs: at least one file matches one of `anyOf`. */
export interface Requirement {
  /** Globs over the source's paths. */
  anyOf: string[];
  /** Completes "needs … : ". */
  why: string;
  /** Globs over paths below /models; by default those of `anyOf`, placed. */
  served?: string[];
  /** What meets it only when the model names it in its own `include` or `files:`, and the warning then. */
  asked?: { anyOf: string[]; warning: string };
}

/**
 * A folder of frameworks/: everything that modelcars knows about one way to serve. Default export of its framework.ts.
 */
export interface Framework {
  /** The folder's name. */
  name: string;
  /** KServe `spec.predictor.model.modelFormat`. Without one, every model gives its own in `serving:`. */
  modelFormat?: { name: string; version?: string };
  /** KServe ClusterServingRuntime that serves it. Without one, every model gives its own in `serving:`. */
  runtime?: string;
  /**
   * KServe `protocolVersion`. `openai` is for the smoke test; the InferenceService then omits it, since KServe has only
   * `v1`, `v2` and their gRPC forms (pkg/constants/constants.go) and rejects values that a runtime does not list.
   */
  protocolVersion?: 'v1' | 'v2' | 'openai';
  /** Arguments of the model server, after those of its runtime and before the model's; not for another runtime. */
  args?: string[];
  /** Globs (picomatch) over the source's paths that go into the image when the model names none. */
  include: string[];
  exclude: string[];
  /** Chooses among the paths that `include` and `exclude` let through, when the model names no `include`. */
  choose?(paths: string[]): Choice;
  /** Refuses chosen paths that are no single model of this framework, before a file is read. */
  refuse?(paths: readonly string[]): Refusal | undefined;
  /**
   * Reads what chosen files say: which others belong to them, and where. `files` are all of the source; nothing is run.
   */
  examine?(files: ModelReader, chosen: readonly string[]): Promise<Examination>;
  /**
   * Reads what the files of the image say, with those of `files:`, under the names that the server sees. `name` is the
   * model's. Nothing is run.
   */
  examineImage?(files: ModelReader, name: string): Promise<ImageFindings>;
  /**
   * Globs over paths that are left out without a word, because nothing is lost. With them, `lock` names every other file
   * that it leaves out.
   */
  unmentioned?: string[];
  requires: Requirement[];
  /** Path of a source's file below /models; identity when absent. */
  place?(path: string): string;
  /** A request with a known correct prediction: of its sample alone, or of every model of the framework. */
  smoke?: SmokeTest;
  /**
   * A request made from what a model's files say of themselves, for a model without a request of its own; undefined when
   * they do not say enough. Never runs or unpickles anything. Accepts any answer of the right shape.
   */
  smokeFrom?(files: ModelReader): Promise<SmokeTest | undefined>;
  /** Versions of the libraries that wrote a model, by their names on PyPI, as far as its files name them. */
  libraries?(files: ModelReader): Promise<Record<string, string>>;
  /** The libraries of the runtime's image: a model made with others is a warning when it is locked. */
  runtimeLibraries?: RuntimeLibraries;
}

/** What a runtime's image has of the libraries that models are made with. */
export interface RuntimeLibraries {
  /** Reference of the image, for display. */
  image: string;
  /** By the names that `Framework.libraries` returns; `*` for one that takes any version. */
  versions: Record<string, string>;
}
