import { createHash } from 'node:crypto';
import { ModelcarsError } from '../../errors.ts';
import { recycle } from '../../memory/stream-buffers.ts';
import type { LockedFile } from '../../model/types.ts';
import { plain } from '../../text/format.ts';
import { compareBytes } from '../../text/paths.ts';
import { asFolder } from '../s3/uri.ts';
import type { FileTap, Selection, Source } from '../types.ts';
import { checkPaths } from './check-paths.ts';
import { hashAll } from './hash-all.ts';
import type { ObjectStore, StoredObject } from './store.ts';

/** Limit on the objects of a prefix. */
const mostObjects = 100_000;

/** A place in a store: one object, or all below a prefix. */
export interface ObjectPlace {
  store: ObjectStore;
  /** A key or a prefix; empty: everything. */
  key: string;
}

export interface ObjectSourceOptions {
  /** The place that a URI names. Makes no request yet. Fails with code `source` or `usage`. */
  open(uri: string): ObjectPlace;
  /** The next step when nothing is at a place. */
  absent: string;
  close(): Promise<void>;
}

/** An object and its path in the source. */
type Found = StoredObject & { path: string };

/**
 * The source of the URIs of an object store that knows no SHA-256: one object, or all objects below a prefix, each read
 * once at `lock`. The revision is a hash of all paths, sizes and hashes.
 */
export function objectSource({ open, absent, close }: ObjectSourceOptions): Source {
  return {
    async resolve(uri, select, signal, tap) {
      const place = open(uri);
      const found = await find(place, uri, select, absent, signal);
      return hashAll(found, (object, stop) => hash(place.store, object, stop, tap), signal);
    },
    open: (uri, _revision, file, offset = 0, signal, end = file.size) =>
      read(open(uri), uri, file, offset, end, signal),
    close,
  };
}

async function find(
  { store, key }: ObjectPlace,
  uri: string,
  select: Selection,
  absent: string,
  signal?: AbortSignal,
): Promise<Found[]> {
  const folder = asFolder(key);
  const objects: StoredObject[] = [];
  for await (const object of store.list(folder, signal)) {
    if (isFolder(object)) continue;
    objects.push(object);
    if (objects.length > mostObjects)
      throw failure(
        uri,
        `it has more than ${mostObjects} objects`,
        'point `source` at the prefix of the model itself',
      );
  }
  const single = folder === key ? undefined : await store.head(key, signal);
  if (single !== undefined && objects.length > 0)
    throw failure(
      uri,
      `it names both an object and a prefix with ${objects.length} objects`,
      'end the URI with `/` for the objects below the prefix, or rename the object',
    );
  if (single === undefined && objects.length === 0)
    throw failure(uri, 'no object has this name, and none is below it', absent);
  const start = single === undefined ? folder.length : key.lastIndexOf('/') + 1;
  const found = (single === undefined ? objects : [single])
    .map((object) => ({ ...object, path: object.key.slice(start) }))
    .filter(({ path }) => select(path))
    .sort((a, b) => compareBytes(a.path, b.path));
  checkPaths(
    uri,
    found.map(({ path }) => path),
    'rename the object, or leave it out with `exclude`',
  );
  return found;
}

/** A "folder" created in a console or by a mounted store is an empty object whose key ends with a slash. */
function isFolder({ key, size }: StoredObject): boolean {
  return key.endsWith('/') && size === 0;
}

async function hash(store: ObjectStore, object: Found, signal: AbortSignal, tap?: FileTap): Promise<string> {
  const watcher = tap?.({ path: object.path, size: object.size });
  const digest = createHash('sha256');
  for await (const chunk of store.read(object, 0, object.size, signal)) {
    digest.update(chunk);
    watcher?.update(chunk);
    recycle(chunk);
  }
  const sha256 = digest.digest('hex');
  await watcher?.end(sha256);
  return sha256;
}

async function* read(
  place: ObjectPlace,
  uri: string,
  file: LockedFile,
  offset: number,
  end: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const object = await locate(place, file, signal);
  const name = file.source === undefined ? `${plain(file.path)} of ${plain(uri)}` : plain(uri);
  const changed = (problem: string) =>
    new ModelcarsError('integrity', `read ${name}: ${problem}`, {
      next: 'run `modelcars lock --upgrade` if the change is meant',
    });
  if (object === undefined) throw changed('it is in the lock, but no longer exists');
  if (object.size !== file.size) throw changed(`it has ${object.size} bytes, the lock has ${file.size}`);
  yield* place.store.read(object, offset, Math.min(end, object.size), signal);
}

/** A locked file's object: below the prefix, or the object that the URI names. */
async function locate(
  { store, key }: ObjectPlace,
  file: LockedFile,
  signal?: AbortSignal,
): Promise<StoredObject | undefined> {
  const folder = asFolder(key);
  const isItself = file.source !== undefined || key.slice(key.lastIndexOf('/') + 1) === file.path;
  const single = folder !== key && isItself ? await store.head(key, signal) : undefined;
  if (single !== undefined) return single;
  if (file.source === undefined) return await store.head(folder + file.path, signal);
  // An entry of `files:` can be a prefix with one object; the lock has the path in the image, not the object's name.
  for await (const object of store.list(folder, signal)) if (!isFolder(object)) return object;
  return undefined;
}

function failure(uri: string, problem: string, next: string): ModelcarsError {
  return new ModelcarsError('source', `read ${plain(uri)}: ${problem}`, { next });
}
