import pLimit from 'p-limit';
import { ModelcarsError } from '../errors.ts';
import type { LockedFile } from '../model/types.ts';
import type { Bucket, ListedObject } from '../sources/s3/bucket.ts';
import {
  type CachedFile,
  type CacheManifest,
  manifestName,
  presentFiles,
  readManifest,
  writeManifest,
} from '../sources/s3/manifest.ts';
import type { Snapshot, Source } from '../sources/types.ts';
import type { StoreFiles } from '../store/files.ts';
import type { Task } from '../terminal/types.ts';
import { checked } from './checked.ts';
import { sweepFolder } from './sweep.ts';
import { matching, uploadFile } from './upload.ts';

export interface CacheOptions {
  source: Source;
  /** The source's URI: `hf://org/name`. */
  uri: string;
  /** The files to cache and their revision. */
  snapshot: Snapshot;
  /** Whether these are all files of the revision. */
  whole: boolean;
  /** Only report what would be done. */
  dryRun: boolean;
  bucket: Bucket;
  /** The destination: `models/org/name/`. */
  folder: string;
  /** Parts and files transferred in parallel. */
  workers: number;
  /** Keeps downloads, and has those of earlier runs. */
  downloads?: StoreFiles;
  signal: AbortSignal;
  task: Task;
  warn(line: string): void;
}

export interface CacheResult {
  /** `unchanged`: everything was cached already; `planned`: not everything, and this is a dry run. */
  status: 'done' | 'unchanged' | 'planned';
  /** Bytes of all files. */
  size: number;
  /** Bytes newly sent. */
  sent: number;
}

/**
 * Copies a model's files into a folder of a bucket. Objects with the right size and SHA-256 are kept. The manifest is
 * written last, and has `complete: false` while files are being uploaded: whenever a run is killed, the folder is
 * either complete or not taken for complete, and the next run resumes. Fails before anything is sent when the bucket is
 * not writable.
 */
export async function cacheModel(options: CacheOptions): Promise<CacheResult> {
  const { uri, snapshot, bucket, folder, signal, task, warn } = options;
  const size = sizeOf(snapshot.files);
  const before = await readManifest(bucket, folder, signal);
  const objects = await listFolder(bucket, folder, signal);
  const present =
    before?.revision === snapshot.revision
      ? presentFiles(before, folder, objects)
      : new Map<string, CachedFile>();
  const missing = snapshot.files.filter(({ path, sha256 }) => present.get(path)?.sha256 !== sha256);
  const same = before?.revision === snapshot.revision;
  const whole = options.whole || (same && before.whole);
  if (missing.length === 0 && same && before.whole === whole) return { status: 'unchanged', size, sent: 0 };
  if (options.dryRun) return { status: 'planned', size, sent: 0 };

  const manifest = { manifestVersion: 1 as const, source: uri, revision: snapshot.revision, whole };
  const marked = union(
    before?.files ?? [],
    missing.map((file) => ({ ...withoutSource(file), etag: 'none' })),
  );
  await writeManifest(bucket, folder, { ...manifest, complete: false, files: marked }, signal);
  task.total(sizeOf(missing));
  const { cached, sent } = await bringAll(options, missing, objects);
  const complete: CacheManifest = {
    ...manifest,
    complete: true,
    files: union([...present.values()], cached),
  };
  await checkFolder(bucket, folder, complete, signal);
  await sweepFolder(bucket, folder, complete, marked, warn, signal);
  await writeManifest(bucket, folder, complete, signal);
  return { status: 'done', size, sent };
}

/**
 * Whether a folder has all files of a revision or, if none is given, of the last cached one: then the hub is not asked.
 * Returns that revision and its size in bytes.
 */
export async function cachedRevision(
  bucket: Bucket,
  folder: string,
  revision: string | undefined,
  signal: AbortSignal,
): Promise<{ revision: string; size: number } | undefined> {
  const manifest = await readManifest(bucket, folder, signal);
  if (!manifest?.complete || !manifest.whole || (revision ?? manifest.revision) !== manifest.revision)
    return undefined;
  const present = presentFiles(manifest, folder, await listFolder(bucket, folder, signal));
  if (present.size < manifest.files.length) return undefined;
  return { revision: manifest.revision, size: sizeOf(manifest.files) };
}

/** Copies the missing files, several at a time; the first failure stops the others and waits for them to end. */
async function bringAll(
  options: CacheOptions,
  missing: readonly LockedFile[],
  objects: ReadonlyMap<string, ListedObject>,
): Promise<{ cached: CachedFile[]; sent: number }> {
  const { workers } = options;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const files = Math.min(workers, missing.length);
  const limit = pLimit(files);
  const parts = Math.max(1, Math.floor(workers / files));
  let sent = 0;
  const bringing = missing.map((file) =>
    limit(async (): Promise<CachedFile> => {
      signal.throwIfAborted();
      const key = options.folder + file.path;
      const there = objects.has(key) ? await matching(options.bucket, key, file, signal) : undefined;
      if (there !== undefined) options.task.add(file.size);
      const onBytes = (count: number) => {
        sent += count;
        options.task.add(count);
      };
      const open = () => openFile(options, file, signal);
      const info = there ?? (await uploadFile(options.bucket, { key, file, open, parts, signal, onBytes }));
      return { ...withoutSource(file), etag: info.etag };
    }),
  );
  try {
    return { cached: await Promise.all(bringing), sent };
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(bringing);
    throw error;
  }
}

function openFile(
  { source, uri, snapshot, downloads }: CacheOptions,
  file: LockedFile,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  const origin = (offset: number, stop?: AbortSignal) =>
    source.open(uri, snapshot.revision, file, offset, stop ?? signal);
  return checked(downloads?.keep(file, origin, { signal }) ?? origin(0), file, uri, signal);
}

/** Fails when an object is not the uploaded one: another process writes to the folder too. */
async function checkFolder(
  bucket: Bucket,
  folder: string,
  manifest: CacheManifest,
  signal: AbortSignal,
): Promise<void> {
  const present = presentFiles(manifest, folder, await listFolder(bucket, folder, signal));
  const lost = manifest.files.find(({ path }) => !present.has(path));
  if (lost === undefined) return;
  throw new ModelcarsError(
    'integrity',
    `write ${bucket.uri(folder + lost.path)}: another process changed or deleted it meanwhile`,
    { next: 'run it again when nothing else writes there' },
  );
}

async function listFolder(
  bucket: Bucket,
  folder: string,
  signal: AbortSignal,
): Promise<Map<string, ListedObject>> {
  const objects = new Map<string, ListedObject>();
  for await (const object of bucket.list(folder, signal))
    if (object.key !== folder + manifestName) objects.set(object.key, object);
  return objects;
}

/** Merges both lists by path; the second wins. */
function union(first: readonly CachedFile[], second: readonly CachedFile[]): CachedFile[] {
  return [...new Map([...first, ...second].map((file) => [file.path, file])).values()];
}

function sizeOf(files: readonly LockedFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0);
}

function withoutSource({ path, size, sha256 }: LockedFile): LockedFile {
  return { path, size, sha256 };
}
