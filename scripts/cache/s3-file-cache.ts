import { ModelcarsError } from '../errors.ts';
import { trustInProcess } from '../http/certificates.ts';
import { type CacheManifest, readManifest } from '../sources/s3/manifest.ts';
import type { FileCache, WantedFile } from '../store/file-cache.ts';
import { plain } from '../text/format.ts';
import { cacheLocation, folderOf, openCacheBucket } from './location.ts';

/** The manifest of a model's folder, if any, or `unreachable` when the cache cannot be reached. */
type Found = { manifest: CacheManifest | undefined } | 'unreachable';

/**
 * A catalog's `cache:` as a cache of hub models' files: those that `modelcars cache` uploaded completely, at the exact
 * revision and SHA-256 of the lock. Anything else, and everything when the cache cannot be reached, comes from the hub,
 * and one line reports why. `caFile` as in `trustInProcess`.
 */
export function s3Cache(uri: string, say: (line: string) => void, caFile?: string): FileCache {
  if (caFile !== undefined) trustInProcess(caFile);
  const place = cacheLocation(uri);
  const told = new Set<string>();
  const manifests = new Map<string, Promise<Found>>();

  const tell = (model: string, why: unknown) => {
    const text = why instanceof Error ? why.message : String(why);
    const line = `cache ${plain(uri)}: ${text}; reading ${plain(model)} from the hub`;
    if (!told.has(line)) say(line);
    told.add(line);
  };

  /** The manifest of a folder, requested once per run. */
  const manifestOf = (folder: string, model: string): Promise<Found> => {
    let found = manifests.get(folder);
    if (found === undefined) {
      found = openCacheBucket(place)
        .then(async (bucket) => ({ manifest: await readManifest(bucket, folder) }))
        .catch((error: unknown) => {
          tell(model, error);
          return 'unreachable' as const;
        });
      manifests.set(folder, found);
    }
    return found;
  };

  /** The location of a file, if the cache has it. */
  const find = async (wanted: WantedFile): Promise<{ key: string; etag: string } | undefined> => {
    // A file of `files:` has a different path in the lock than in its repository.
    const folder = wanted.source === undefined ? folderOf(place, wanted.uri) : undefined;
    if (folder === undefined) return undefined;
    const found = await manifestOf(folder, wanted.uri);
    if (found === 'unreachable') return undefined;
    const { manifest } = found;
    if (!manifest?.complete || manifest.revision !== wanted.revision) {
      tell(
        wanted.uri,
        `it has no complete copy of ${plain(wanted.revision)} (\`modelcars cache\` makes one)`,
      );
      return undefined;
    }
    const { path, size, sha256 } = wanted;
    const file = manifest.files.find((one) => one.path === path);
    if (file?.size === size && file.sha256 === sha256) return { key: folder + path, etag: file.etag };
    tell(wanted.uri, `it has no ${plain(path)} with the lock's size and sha256`);
    return undefined;
  };

  return {
    name: `the cache ${plain(uri)}`,
    has: async (wanted) => (await find(wanted)) !== undefined,
    async open(wanted, offset, signal) {
      const found = await find(wanted);
      if (found === undefined) return undefined;
      try {
        const bucket = await openCacheBucket(place);
        const info = await bucket.head(found.key, signal);
        if (info?.size === wanted.size && info.etag === found.etag)
          return bucket.read(found.key, info, offset, signal);
        tell(wanted.uri, `${plain(wanted.path)} is not there as it was written`);
      } catch (error) {
        if (signal?.aborted || !(error instanceof ModelcarsError)) throw error;
        tell(wanted.uri, error);
      }
      return undefined;
    },
    // The copy is shared, and the bytes may have been damaged in transit: keep it.
    forget: async () => {},
  };
}
