import { ModelcarsError } from '../errors.ts';
import { kindOf } from '../sources/index.ts';
import { s3Access } from '../sources/s3/access.ts';
import { Bucket } from '../sources/s3/bucket.ts';
import { asFolder, parseS3Uri } from '../sources/s3/uri.ts';

/** Location of a cache: models are in folders below a prefix of a bucket. */
export interface CacheLocation {
  bucket: string;
  /** Empty, or ends with `/`. */
  prefix: string;
}

/** The location in a catalog's `cache: s3://bucket/prefix`, which the catalog has checked. */
export function cacheLocation(uri: string): CacheLocation {
  const parsed = parseS3Uri(uri);
  if (!parsed.ok) throw new ModelcarsError('catalog', `read \`cache\`: expected ${parsed.problem.expected}`);
  return { bucket: parsed.value.bucket, prefix: asFolder(parsed.value.key) };
}

/**
 * The folder of a hub model: `<prefix>org/name/`, or `<prefix>org/name@revision/` when the URI has a revision, so that
 * two revisions can be cached side by side. Undefined for other kinds of URI, which are not cached.
 */
export function folderOf(place: CacheLocation, uri: string): string | undefined {
  const folder = kindOf(uri)?.cacheFolder?.(uri);
  return folder === undefined ? undefined : place.prefix + folder;
}

/** Opens a cache's bucket with the environment's S3 settings, or at `endpoint`. */
export function openCacheBucket(place: CacheLocation, endpoint?: string): Promise<Bucket> {
  return Bucket.open(place.bucket, s3Access(process.env, endpoint));
}
