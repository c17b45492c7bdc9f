import { type CacheLocation, folderOf, openCacheBucket } from '../cache/location.ts';
import { cachedRevision, cacheModel } from '../cache/mirror.ts';
import { ModelcarsError } from '../errors.ts';
import { isModel, sourceName } from '../model/catalog-entry.ts';
import { splitHubUri } from '../sources/huggingface/uri.ts';
import { closeSources, openSource } from '../sources/index.ts';
import type { Bucket } from '../sources/s3/bucket.ts';
import type { Snapshot, Source, SourceOptions } from '../sources/types.ts';
import { StoreFiles } from '../store/files.ts';
import type { Progress, Task } from '../terminal/types.ts';
import { forEachModel } from './for-each-model.ts';
import { Session } from './session.ts';
import type { Outcome, RunOptions } from './types.ts';

/** Where and how models are cached. */
export interface CacheTarget {
  place: CacheLocation;
  /** Amazon's by default. */
  endpoint?: string;
  /** Files and parts transferred at the same time. */
  workers: number;
  /**
   * A folder that keeps downloads, so that a run after a crash resumes in the middle of a file. Every file from it is
   * hashed, so it may be a volume that other users can write to.
   */
  downloadDir?: string;
}

/** Options of a run without a catalog. */
export type CacheRun = Pick<RunOptions, 'dryRun' | 'signal' | 'progress'>;

const commit = /^[0-9a-f]{40}$/;

/**
 * Copies the catalog's hub models to the cache: the lock's files at the lock's revision. One model at a time by
 * default.
 */
export async function cacheModels(options: RunOptions, target: CacheTarget): Promise<Outcome[]> {
  await using session = await Session.open(options);
  const bucket = await openCacheBucket(target.place, target.endpoint);
  const downloads = await openDownloads(target);
  return await forEachModel({ ...options, concurrency: options.concurrency ?? 1 }, async (model, task) => {
    const locked = await session.locked.model(model);
    const folder = isModel(model) ? folderOf(target.place, model.source) : undefined;
    if (!isModel(model) || folder === undefined)
      throw new ModelcarsError('source', `cache ${model.name}: ${sourceName(model)} is not on a hub`);
    const result = await cacheModel({
      ...common(options, target, bucket, task),
      ...(downloads && { downloads }),
      uri: model.source,
      source: openSource(model.source, session.sources),
      // Entries of `files:` are not part of the repository.
      snapshot: {
        revision: locked.revision,
        files: locked.files.filter(({ source }) => source === undefined),
      },
      whole: false,
      folder,
    });
    return { model: model.name, name: bucket.uri(folder), ...result };
  });
}

/**
 * Copies all files of a hub's model, `hf://org/name[:revision]`, to the cache. Makes no hub request when the revision
 * is a commit that the cache has completely. When the hub cannot be reached, a complete copy in the cache counts, with
 * a warning.
 */
export async function cacheHubModel(uri: string, run: CacheRun, target: CacheTarget): Promise<Outcome> {
  const { signal, progress } = run;
  const folder = folderOf(target.place, uri);
  if (folder === undefined) throw new ModelcarsError('usage', `cache ${uri}: it is not on a hub`);
  const bucket = await openCacheBucket(target.place, target.endpoint);
  const { name, revision } = splitHubUri(uri);
  const model = revision === undefined ? name : `${name}:${revision}`;
  const outcome = { model, name: bucket.uri(folder) };
  if (revision !== undefined && commit.test(revision)) {
    const cached = await cachedRevision(bucket, folder, revision, signal);
    if (cached !== undefined) return { ...outcome, status: 'unchanged', size: cached.size, sent: 0 };
  }
  const sources: SourceOptions = { directory: '.', onRetry: (message) => progress.warn(message) };
  const task = progress.task(model);
  try {
    const source = openSource(uri, sources);
    const snapshot = await resolveOrUse(source, uri, bucket, folder, run);
    if ('size' in snapshot) {
      task.done('unchanged');
      return { ...outcome, status: 'unchanged', size: snapshot.size, sent: 0 };
    }
    const downloads = await openDownloads(target);
    const result = await cacheModel({
      ...common(run, target, bucket, task),
      ...(downloads && { downloads }),
      uri,
      source,
      snapshot,
      whole: true,
      folder,
    });
    task.done(result.status);
    return { ...outcome, ...result };
  } catch (error) {
    task.fail(error instanceof Error ? error.message : String(error));
    throw error;
  } finally {
    await closeSources(sources);
  }
}

/**
 * The model's current snapshot or, when the hub does not respond, the size of the complete copy in the cache, with a
 * warning.
 */
async function resolveOrUse(
  source: Source,
  uri: string,
  bucket: Bucket,
  folder: string,
  { signal, progress }: CacheRun,
): Promise<Snapshot | { size: number }> {
  try {
    return await source.resolve(uri, () => true, signal);
  } catch (error) {
    if (signal.aborted || !(error instanceof ModelcarsError) || error.code !== 'network') throw error;
    const cached = await cachedRevision(bucket, folder, undefined, signal);
    if (cached === undefined) throw error;
    progress.warn(`${error.message}; using revision ${cached.revision}, which the cache has completely`);
    return { size: cached.size };
  }
}

function common(
  { dryRun, signal, progress }: CacheRun,
  { workers }: CacheTarget,
  bucket: Bucket,
  task: Task,
): {
  dryRun: boolean;
  signal: AbortSignal;
  workers: number;
  bucket: Bucket;
  task: Task;
  warn: Progress['warn'];
} {
  return { dryRun, signal, workers, bucket, task, warn: (line) => progress.warn(line) };
}

function openDownloads({ downloadDir }: CacheTarget): Promise<StoreFiles> | undefined {
  return downloadDir === undefined ? undefined : StoreFiles.create(downloadDir);
}
