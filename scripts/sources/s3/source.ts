import { createHash } from 'node:crypto';
import { ModelcarsError } from '../../errors.ts';
import { trustInProcess } from '../../http/certificates.ts';
import { recycle } from '../../memory/stream-buffers.ts';
import type { LockedFile } from '../../model/types.ts';
import { plain } from '../../text/format.ts';
import { compareBytes } from '../../text/paths.ts';
import { checkPaths } from '../objects/check-paths.ts';
import { hashAll } from '../objects/hash-all.ts';
import type { FileTap, Selection, Source } from '../types.ts';
import { s3Access } from './access.ts';
import { Bucket, type ListedObject } from './bucket.ts';
import { manifestName, presentFiles, readManifest } from './manifest.ts';
import { asFolder, parseS3Uri, type S3Location } from './uri.ts';

/** Limit on the objects of a prefix. */
const mostObjects = 100_000;

/** An object and its path in the source. */
interface Found extends ListedObject {
  path: string;
}

/**
 * The source of `s3://` URIs: one object, or all objects below a prefix except the manifest of `modelcars cache`. Each
 * SHA-256 comes from that manifest when it is complete, from S3 when it keeps the hash of the whole object, or from
 * reading the object. The revision is a hash of all paths, sizes and hashes. Endpoint and credentials come from the
 * environment.
 */
export function s3Source(environment: NodeJS.ProcessEnv = process.env, caFile?: string): Source {
  trustInProcess(caFile);
  return {
    async resolve(uri, select, signal, tap) {
      const { bucket, location } = await openUri(uri, environment);
      const { found, all, folder } = await findObjects(bucket, location, uri, select, signal);
      const manifest = folder === undefined ? undefined : await readManifest(bucket, folder, signal);
      const known = presentFiles(manifest, folder ?? '', all);
      return hashAll(
        found,
        async (object, stop) => known.get(object.path)?.sha256 ?? hash(bucket, object, stop, tap),
        signal,
      );
    },
    open: (uri, _revision, file, offset = 0, signal, end) =>
      read(uri, environment, file, offset, signal, end),
  } satisfies Source;
}

async function openUri(
  uri: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ bucket: Bucket; location: S3Location }> {
  const parsed = parseS3Uri(uri);
  if (!parsed.ok)
    throw sourceError(uri, `expected ${parsed.problem.expected}`, 'correct `source` in models.yaml');
  return { bucket: await Bucket.open(parsed.value.bucket, s3Access(environment)), location: parsed.value };
}

/** The chosen objects of a URI; `folder` is the prefix that contains them, undefined for a single object. */
async function findObjects(
  bucket: Bucket,
  { key }: S3Location,
  uri: string,
  select: Selection,
  signal?: AbortSignal,
): Promise<{ found: Found[]; all: Map<string, ListedObject>; folder?: string }> {
  const folder = asFolder(key);
  const all = new Map<string, ListedObject>();
  for await (const object of bucket.list(folder, signal)) {
    // A "folder" created in a console is an empty object whose key ends with a slash.
    if (object.key.endsWith('/') && object.size === 0) continue;
    all.set(object.key, object);
    if (all.size > mostObjects)
      throw sourceError(
        uri,
        `it has more than ${mostObjects} objects`,
        'point `source` at the prefix of the model itself',
      );
  }
  const single = folder === key ? undefined : await bucket.head(key, signal);
  if (single !== undefined && all.size > 0) {
    throw sourceError(
      uri,
      `it names both an object and a prefix with ${all.size} objects`,
      'end the URI with `/` for the objects below the prefix, or rename the object',
    );
  }
  if (single === undefined && all.size === 0) {
    throw sourceError(
      uri,
      'no object has this name, and none is below it',
      'correct `source` in models.yaml, or the endpoint (S3_ENDPOINT_URL)',
    );
  }
  const objects = single === undefined ? [...all.values()] : [{ key, size: single.size, etag: single.etag }];
  const start = single === undefined ? folder.length : key.lastIndexOf('/') + 1;
  const found = objects
    .map((object) => ({ ...object, path: object.key.slice(start) }))
    .filter(({ path, size }) => path !== manifestName && select(path, size))
    .sort((a, b) => compareBytes(a.path, b.path));
  checkPaths(
    uri,
    found.map(({ path }) => path),
    'rename the object, or leave it out with `exclude`',
  );
  return single === undefined ? { found, all, folder } : { found, all };
}

/** SHA-256 of one version of an object. */
async function hash(bucket: Bucket, object: Found, signal: AbortSignal, tap?: FileTap): Promise<string> {
  const info = await bucket.head(object.key, signal);
  if (info?.etag === object.etag && info.sha256 !== undefined) return info.sha256;
  const watcher = tap?.({ path: object.path, size: object.size });
  const digest = createHash('sha256');
  for await (const chunk of bucket.read(object.key, object, 0, signal)) {
    digest.update(chunk);
    watcher?.update(chunk);
    recycle(chunk);
  }
  const sha256 = digest.digest('hex');
  await watcher?.end(sha256);
  return sha256;
}

async function* read(
  uri: string,
  environment: NodeJS.ProcessEnv,
  file: LockedFile,
  offset: number,
  signal?: AbortSignal,
  end = file.size,
): AsyncGenerator<Uint8Array> {
  const { bucket, location } = await openUri(uri, environment);
  const key = await keyOf(bucket, location, file, signal);
  const info = key === undefined ? undefined : await bucket.head(key, signal);
  const name = file.source === undefined ? `${plain(file.path)} of ${plain(uri)}` : plain(uri);
  const next = 'run `modelcars lock --upgrade` if the change is meant';
  if (key === undefined || info === undefined)
    throw new ModelcarsError('integrity', `read ${name}: it is in the lock, but no longer exists`, {
      next,
    });
  if (info.size !== file.size) {
    throw new ModelcarsError(
      'integrity',
      `read ${name}: it has ${info.size} bytes, the lock has ${file.size}`,
      { next },
    );
  }
  yield* bucket.read(key, { ...info, size: Math.min(end, info.size) }, offset, signal);
}

/** The key of a locked file: below the prefix, or the object that the URI names. */
async function keyOf(
  bucket: Bucket,
  { key }: S3Location,
  file: LockedFile,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const folder = asFolder(key);
  const isItself = file.source !== undefined || key.slice(key.lastIndexOf('/') + 1) === file.path;
  if (folder !== key && isItself && (await bucket.head(key, signal)) !== undefined) return key;
  if (file.source === undefined) return folder + file.path;
  // An entry of `files:` can be a prefix with one object; the lock has the path in the image, not the object's name.
  for await (const object of bucket.list(folder, signal))
    if (object.size > 0 && object.key !== folder + manifestName) return object.key;
  return undefined;
}

function sourceError(uri: string, problem: string, next: string): ModelcarsError {
  return new ModelcarsError('source', `read ${plain(uri)}: ${problem}`, { next });
}
