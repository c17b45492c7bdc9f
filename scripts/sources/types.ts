import type { BigIntStats } from 'node:fs';
import type { RetryOptions } from '../http/retry.ts';
import type { LockedFile } from '../model/types.ts';

/** A source resolved to a revision and its files. */
export interface Snapshot {
  /** What the source resolved to: a commit for a hub, a content hash for files. */
  revision: string;
  /** Sorted by path (byte order). */
  files: LockedFile[];
  /**
   * What the source says about the model, such as `license`, `base_model` and `pipeline_tag`; one line each, keys
   * sorted.
   */
  metadata?: Record<string, string>;
}

/** Whether a path of a source is chosen. */
export type Selection = (path: string) => boolean;

/**
 * Called for each file that is read for its hash. Returns an observer of its bytes, first to last, or undefined. A read
 * that starts over calls it again.
 */
export type FileTap = (file: {
  path: string;
  /** Bytes. */
  size: number;
}) => { update(chunk: Uint8Array): void; end(sha256: string): Promise<void> } | undefined;

/** Reads the URIs of one kind. */
export interface Source {
  /**
   * Lists and hashes what the URI points at now; `tap` observes the files that are read for their hash. Fails with code
   * `source`.
   */
  resolve(uri: string, select: Selection, signal?: AbortSignal, tap?: FileTap): Promise<Snapshot>;
  /**
   * The bytes of one file of a locked snapshot from `offset` to its end. It need not check the hash: the layer's reader
   * does. A chunk stays valid while the next `chunkLifetime` are read (image/types.ts). The caller ignores bytes from
   * `end` on, so a source that has to request them can leave them out.
   */
  open(
    uri: string,
    revision: string,
    file: LockedFile,
    offset?: number,
    signal?: AbortSignal,
    end?: number,
  ): AsyncIterable<Uint8Array>;
  /** Closes its connections; requests under way fail. */
  close?(): Promise<void>;
}

/** Remembers the hashes of files on this machine, by their stats. */
export interface HashMemory {
  get(stats: BigIntStats): Promise<string | undefined>;
  remember(stats: BigIntStats, sha256: string): Promise<void>;
}

/** How sources reach their servers. */
export interface ConnectionOptions {
  /** Where addresses, tokens and proxies are looked up; process.env by default. */
  env?: NodeJS.ProcessEnv;
  /** PEM file of authorities to trust in addition to the system's. */
  caFile?: string;
  /** Seven tries without a new byte, 1 s before the second, by default. */
  retry?: Partial<RetryOptions>;
  /** Called before each new try with one line for the log. */
  onRetry?(message: string): void;
}

/**
 * Options of all sources of one run. Sources opened with the same object share connections and what they have looked
 * up.
 */
export interface SourceOptions extends ConnectionOptions {
  /** Where relative `file:` paths start. */
  directory: string;
  /** Remembers the hashes of local files; without it, none are remembered. */
  hashes?: HashMemory;
}

/** The expected form of a URI; "expected …, got …" is made of it. */
export interface Problem {
  expected: string;
  /** Ends the sentence: `; did you mean …?`. */
  hint?: string;
}

/** A parsed URI, or why it is none. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: Problem };

/** The next step after an incomplete model, by what is wrong with its file. */
export interface RepairSteps {
  /** The file is a Git LFS pointer. */
  pointer: string;
  /** The file is cut short or damaged. */
  corrupt: string;
  /** The source does not have a file that another one refers to. */
  missing: string;
}

/**
 * Compares a file of this machine with the lock, so that a layer is skipped only while its files are the locked ones.
 * Both fail with code `integrity` when it is another file.
 */
export interface LocalFileCheck {
  /** Compares the size and, where `hashes` knows the file, its hash; false when only reading it can tell. */
  compareWithLock(uri: string, file: LockedFile, options: LocalFileOptions): Promise<boolean>;
  /** Compares size and hash, and reads the file where `hashes` does not know it. */
  proveLocked(uri: string, file: LockedFile, options: LocalFileOptions, signal?: AbortSignal): Promise<void>;
}

/** What a check of local files needs of the options. */
export type LocalFileOptions = Required<Pick<SourceOptions, 'directory' | 'hashes'>>;

/**
 * A kind of source: everything that the rest of modelcars knows about it. A new kind is a folder with an `index.ts`
 * that exports one of these, and a line in kinds.ts. That index.ts is loaded on every start, so it imports little: see
 * `lazySource`.
 */
export interface SourceKind {
  /** The scheme of its URIs: lower case, without `:`. */
  scheme: string;
  /** A URI with placeholders, such as `s3://bucket/prefix`: for errors, models.schema.json and help. */
  example: string;
  /** Each form of its URIs with what it names, in Markdown: the table in docs/reference/models-yaml.md. */
  forms: readonly { uri: string; names: string }[];
  /** Environment variables that its sources read, for the help text. */
  environment: readonly { name: string; purpose: string }[];
  repair: RepairSteps;
  /**
   * For a kind whose files are on this machine: they are read in place and never cached, and can change after `lock`.
   */
  local?: LocalFileCheck;
  /** Whether it also reads a URI that has another scheme. */
  claims?(uri: string): boolean;
  /** What is wrong with a URI of this kind, or undefined. Looks at the text only, never at a disk or a network. */
  check(uri: string): Problem | undefined;
  /** Opens the source. Connects to nothing yet. */
  open(options: SourceOptions): Source;
  /**
   * The folder of a URI's files below the prefix of a `cache:`, ending in `/`; undefined for a URI that is not cached.
   */
  cacheFolder?(uri: string): string | undefined;
  /**
   * The public page of a URI for people, also when the bytes come from a mirror; without it, the URI itself is
   * published.
   */
  page?(uri: string): string;
  /**
   * What a URI names when that is more than one file ("a folder"), for `files:`, where each URI names a single one.
   * Undefined when only `resolve` can tell. Fails with code `source`.
   */
  namesMany?(uri: string, options: SourceOptions): Promise<string | undefined>;
}
