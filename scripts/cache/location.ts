import { ModelcarsError } from '../errors.ts';
import { kindOf } from '../sources/index.ts';
import { s3Access } from '../sources/s3/access.ts';
import { Bucket } from '../sources/s3/bucket.ts';
import { asFolder, parseS3Uri } from '../sources/s3/uri.ts';

/** Where a cache is: models lie in folders below a prefix of a bucket. */
export interface CacheLocation {
  bucket: string;
  /** Empty, or with a `/` at its end. */
  prefix: string;
}

/** The place that a catalog's `cache: s3://bucket/prefix` names; the catalog has checked it. */
export function cacheLocation(uri: string): CacheLocation {
  const parsed = parseS3Uri(uri);
  if (!parsed.ok) throw new ModelcarsError('catalog', `read \`cache\`: expected ${parsed.problem.expected}`);
  return { bucket: parsed.value.bucket, prefix: asFolder(parsed.value.key) };
}

/**
 * The folder of a hub's model: `<prefix>org/name/`, or `<prefix>org/name@revision/` where the URI names a revision, so that two
 * revisions can be cached side by side. Undefined for a URI of another kind, which is not cached.
 */
export function folderOf(place: CacheLocation, uri: string): string | undefined {
  const folder = kindOf(uri)?.cacheFolder?.(uri);
  return folder === undefined ? undefined : place.prefix + folder;
}

/** The bucket of a cache, reached as the environment says or at `endpoint`. */
export function openCacheBucket(place: CacheLocation, endpoint?: string): Promise<Bucket> {
  return Bucket.open(place.bucket, s3Access(process.env, endpoint));
}
