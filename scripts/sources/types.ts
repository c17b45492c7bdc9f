import type { BigIntStats } from 'node:fs';
import type { RetryOptions } from '../http/retry.ts';
import type { LockedFile } from '../model/types.ts';

/** A source resolved to a revision and its files. */
export interface Snapshot {
  /** The resolved revision: a commit for a hub, a content hash for files. */
  revision: string;
  /** Sorted by path (byte order). */
  files: LockedFile[];
  /** Metadata from the source, such as `license`, `base_model` and `pipeline_tag`; one line each, keys sorted. */
  metadata?: Record<string, string>;
}

/** Whether to choose a path of a source. A source that knows a file's size before it reads the file gives it, in bytes. */
export type Selection = (path: string, size?: number) => boolean;

/**
 * Called for each file that is read for its hash. Returns an observer that receives its bytes in order, or undefined.
 * Called again when a read starts over.
 */
export type FileTap = (file: {
  path: string;
  /** Bytes. */
  size: number;
}) => { update(chunk: Uint8Array): void; end(sha256: string): Promise<void> } | undefined;

/** Reads the URIs of one kind. */
export interface Source {
  /**
   * Lists and hashes the current files of the URI; `tap` observes the files that are read for their hash. Fails with
   * code `source`.
   */
  resolve(uri: string, select: Selection, signal?: AbortSignal, tap?: FileTap): Promise<Snapshot>;
  /**
   * The bytes of one file of a locked snapshot from `offset` to its end. It need not check the hash: the layer's reader
   * does. The receiver of a chunk may recycle it (memory/stream-buffers.ts). The caller ignores bytes from `end` on, so a source that requests ranges can stop there.
   */
  open(
    uri: string,
    revision: string,
    file: LockedFile,
    offset?: number,
    signal?: AbortSignal,
    end?: number,
  ): AsyncIterable<Uint8Array>;
  /** The current revision of a source that tells it without listing its files; undefined for any other. */
  revision?(uri: string, signal?: AbortSignal): Promise<string | undefined>;
  /**
   * The URI of the same model in safetensors, where its hub has it as a proposal; undefined when it has none, or does not
   * answer.
   */
  converted?(uri: string, signal?: AbortSignal): Promise<string | undefined>;
  /** Closes its connections; requests in progress fail. */
  close?(): Promise<void>;
}

/** Remembers hashes of local files, by their stats. */
export interface HashMemory {
  get(stats: BigIntStats): Promise<string | undefined>;
  remember(stats: BigIntStats, sha256: string): Promise<void>;
}

/** How sources reach their servers. */
export interface ConnectionOptions {
  /** The environment for addresses, tokens and proxies; process.env by default. */
  env?: NodeJS.ProcessEnv;
  /** PEM file of certificate authorities to trust in addition to the system's. */
  caFile?: string;
  /** By default seven tries without a new byte, with 1 s before the second. */
  retry?: Partial<RetryOptions>;
  /** Called before each retry with one line for the log. */
  onRetry?(message: string): void;
}

/** Options of all sources of one run. Sources opened with the same object share connections and lookups. */
export interface SourceOptions extends ConnectionOptions {
  /** Base folder of relative `file:` paths. */
  directory: string;
  /** Registry hosts with plain http, as in RegistryOptions. */
  insecure?: string[];
  /** Where images are read instead, by prefix: see registry/mirrors.ts. */
  mirrors?: Record<string, string>;
  /** Remembers the hashes of local files; if absent, none are remembered. */
  hashes?: HashMemory;
}

/** The expected form of a URI, for "expected …, got …". */
export interface Problem {
  expected: string;
  /** Ends the sentence: `; did you mean …?`. */
  hint?: string;
}

/** A parsed URI, or the reason why it is invalid. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: Problem };

/** The next step after an incomplete model, by the defect of its file. */
export interface RepairSteps {
  /** The file is a Git LFS pointer. */
  pointer: string;
  /** The file is truncated or damaged. */
  corrupt: string;
  /** The source lacks a file that another one refers to. */
  missing: string;
}

/**
 * Compares a local file with the lock, so that a layer is skipped only while its files are the locked ones. Both fail
 * with code `integrity` when the file differs.
 */
export interface LocalFileCheck {
  /** Compares the size and, where `hashes` has the file, its hash; false when that does not settle it. */
  compareWithLock(uri: string, file: LockedFile, options: LocalFileOptions): Promise<boolean>;
  /** Compares size and hash, reading the file where `hashes` does not have it. */
  proveLocked(uri: string, file: LockedFile, options: LocalFileOptions, signal?: AbortSignal): Promise<void>;
}

/** The options that a check of local files needs. */
export type LocalFileOptions = Required<Pick<SourceOptions, 'directory' | 'hashes'>>;

/**
 * A source kind: everything that the rest of modelcars knows about it. To add a kind, create a folder with an
 * `index.ts` that exports one of these, and add a line to kinds.ts. That index.ts is loaded on every start, so it
 * imports little: see `lazySource`.
 */
export interface SourceKind {
  /** The scheme of its URIs: lower case, without `:`. */
  scheme: string;
  /** A URI with placeholders, such as `s3://bucket/prefix`: for errors, models.schema.json and help. */
  example: string;
  /** Each form of its URIs with its meaning, in Markdown: the table in docs/reference/models-yaml.md. */
  forms: readonly { uri: string; names: string }[];
  /** Environment variables that its sources read, for the help text. */
  environment: readonly { name: string; purpose: string }[];
  repair: RepairSteps;
  /** For a kind of local files: read in place, never cached, and able to change after `lock`. */
  local?: LocalFileCheck;
  /** Whether it also reads a URI with another scheme. */
  claims?(uri: string): boolean;
  /** The problem with a URI of this kind, or undefined. Examines only the text, never a disk or a network. */
  check(uri: string): Problem | undefined;
  /**
   * The URI that is meant by another text that users paste, such as the address of a web page about the files;
   * undefined for any other text. Examines only the text.
   */
  pasted?(text: string): string | undefined;
  /** The URI of a single file of a URI's files, for `files:`; if absent, a URI names a single file. */
  fileUri?(uri: string, path: string, env: NodeJS.ProcessEnv): string;
  /** Opens the source. Makes no connection yet. */
  open(options: SourceOptions): Source;
  /**
   * The folder for a URI's files below the prefix of a `cache:`, ending in `/`; undefined for a URI that is not cached.
   */
  cacheFolder?(uri: string): string | undefined;
  /**
   * The URI with its revision replaced by a resolved one. Absent for a kind without revisions, which has only its
   * current content.
   */
  at?(uri: string, revision: string): string;
  /** The public page of a URI, even when the bytes come from a mirror; if absent, the URI itself is published. */
  page?(uri: string): string;
  /**
   * What a URI points at when that is more than one file ("a folder"), for `files:`, where each URI has to be a single
   * one. Undefined when only `resolve` can decide. Fails with code `source`.
   */
  namesMany?(uri: string, options: SourceOptions): Promise<string | undefined>;
}
