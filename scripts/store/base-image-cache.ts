import { createHash } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import { readFrom } from '../files/read.ts';
import { isDigest } from '../image/schema.ts';
import { type Descriptor, type Digest, type ImageStore, mediaTypes } from '../image/types.ts';
import { markInUse, touch } from './in-use.ts';
import type { Store } from './store.ts';

/**
 * The same images, with each blob kept in the store on first read, so that a base is fetched once. If the store is not
 * writable (no space, read-only), bytes come from the origin every time.
 */
export function withBaseImageCache(origin: ImageStore, store: Store): ImageStore {
  const keep = async (descriptor: Descriptor, signal?: AbortSignal): Promise<boolean> => {
    if (await store.hasBlob(descriptor)) return true;
    try {
      await store.writeBlob(descriptor, origin.open(descriptor, 0, signal));
      return true;
    } catch (error) {
      if (error instanceof ModelcarsError && error.code === 'disk') return false;
      throw error;
    }
  };
  return {
    async resolve(name) {
      return (isDigest(name) ? await keptManifest(store, name) : undefined) ?? (await origin.resolve(name));
    },
    async read(descriptor) {
      if (await store.hasBlob(descriptor)) {
        const bytes = await readFile(store.blobPath(descriptor.digest));
        if (digestOf(bytes) === descriptor.digest) {
          await touch(store.blobPath(descriptor.digest));
          return bytes;
        }
        await rm(store.blobPath(descriptor.digest), { force: true });
      }
      const bytes = await origin.read(descriptor);
      const again = (async function* () {
        yield bytes;
      })();
      await store.writeBlob(descriptor, again).catch(() => undefined);
      return bytes;
    },
    async *open(descriptor, offset = 0, signal) {
      if (!(await keep(descriptor, signal))) {
        yield* origin.open(descriptor, offset, signal);
        return;
      }
      const path = store.blobPath(descriptor.digest);
      const hash = offset === 0 ? createHash('sha256') : undefined;
      const done = await markInUse(path);
      try {
        for await (const chunk of readFrom(path, offset, signal)) {
          hash?.update(chunk);
          yield chunk;
        }
      } finally {
        await done();
      }
      if (hash === undefined || `sha256:${hash.digest('hex')}` === descriptor.digest) return;
      await rm(path, { force: true });
      throw new ModelcarsError(
        'integrity',
        `read the store: blob ${descriptor.digest} was damaged; it is deleted now`,
        {
          next: 'run the same command again: it will be fetched anew',
        },
      );
    },
  };
}

/** The descriptor of a manifest in the store. A digest never changes its meaning, so the registry is not asked. */
async function keptManifest(store: Store, digest: Digest): Promise<Descriptor | undefined> {
  if (store.distrust !== undefined) return undefined;
  const found = await stat(store.blobPath(digest)).catch(() => undefined);
  if (!found?.isFile() || found.size > 4 * 1024 ** 2) return undefined;
  const bytes = await readFile(store.blobPath(digest)).catch(() => undefined);
  if (bytes === undefined || digestOf(bytes) !== digest) return undefined; // damaged: `read` replaces it
  try {
    const { mediaType } = JSON.parse(bytes.toString('utf8')) as { mediaType?: unknown };
    const named = typeof mediaType === 'string' ? mediaType : mediaTypes.manifest;
    return { mediaType: named, digest, size: bytes.length };
  } catch {
    return undefined;
  }
}

function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
