import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ModelcarsError } from '../errors.ts';
import {
  diskError,
  pathError,
  sweepTemporary,
  writeAll,
  writeAtomically,
  writeTextAtomically,
} from '../files/atomic.ts';
import { makeFolder } from '../files/folder.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import { FileHashes } from './file-hashes.ts';
import { StoreFiles } from './files.ts';
import { storeFolder } from './folder.ts';
import { touch } from './in-use.ts';
import { type Distrust, distrustOf, readOwn, requireTrust } from './trust.ts';

/** What a layer turned out to be when it was read once. */
export interface KnownLayer {
  digest: Digest;
  /** Bytes as stored in a registry. */
  size: number;
  /** Digest of the uncompressed tar. */
  diffId: Digest;
}

const digest = z.custom<Digest>((value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value));
const record = z.object({ digest, size: z.int().positive(), diffId: digest, sum: z.string() });

/** More than any remembered layer has, in bytes. */
const mostBytes = 4096;

/**
 * The local cache: model files and blobs of base images by sha256, and the digests of layers made before by their key. Nothing in it is
 * needed for a right result; whatever is broken in it is made again. Its folders are private to the user (0700). A store that another
 * user can write to is not trusted: only model files are read from it, which are checked by their hash, and nothing is written.
 */
export class Store {
  readonly folder: string;
  readonly files: StoreFiles;
  /** What local files hashed to. */
  readonly hashes: FileHashes;
  /** Why it is not trusted. */
  readonly distrust: Distrust | undefined;

  private constructor(folder: string, distrust?: Distrust) {
    this.folder = folder;
    this.distrust = distrust;
    this.files = new StoreFiles(folder, { readOnly: distrust !== undefined });
    this.hashes = new FileHashes(folder, { trusted: distrust === undefined });
  }

  /**
   * Opens or makes the store: `folder`, else where `storeFolder` says. One that is not trusted is opened all the same (see
   * `distrust`), and made nowhere. Fails with code `disk`.
   */
  static async open(folder?: string, environment: NodeJS.ProcessEnv = process.env): Promise<Store> {
    const path = folder ?? storeFolder(environment);
    try {
      const distrust = distrustOf(path);
      if (distrust?.scope === 'all') return new Store(path, distrust);
      for (const name of ['', 'layers', 'blobs', 'blobs/sha256', 'files', 'files/sha256', 'hashes']) {
        makeFolder(join(path, name), 0o700);
        await sweepTemporary(join(path, name));
      }
    } catch (error) {
      throw pathError(`open the store ${path}`, error);
    }
    return new Store(path);
  }

  /** The same, but a store that cannot be made is merely empty and takes nothing: all of it can be done without. */
  static async openIfPossible(folder?: string): Promise<Store> {
    try {
      return await Store.open(folder);
    } catch (error) {
      if (error instanceof ModelcarsError && error.code === 'disk')
        return new Store(folder ?? storeFolder(process.env));
      throw error;
    }
  }

  /** Fails with code `disk` when this store is not trusted: `what` ("fetch base images into the store") cannot do without. */
  requireTrust(what: string): void {
    requireTrust(this.distrust, what);
  }

  /** What a layer with this key was; undefined when it was not made on this machine or the memory of it is damaged. */
  async layer(key: string): Promise<KnownLayer | undefined> {
    const path = join(this.folder, 'layers', `${key}.json`);
    const text = this.distrust === undefined ? await readOwn(path, mostBytes) : undefined;
    if (text === undefined) return undefined;
    try {
      const { sum, ...layer } = record.parse(JSON.parse(text));
      if (sum !== sumOf(key, layer)) return undefined;
      await touch(path);
      return layer;
    } catch {
      return undefined;
    }
  }

  /** Remembers a layer. A store that cannot be written to only costs time, so failing to is not an error. */
  async rememberLayer(key: string, layer: KnownLayer): Promise<void> {
    if (this.distrust !== undefined) return;
    const text = `${JSON.stringify({ ...layer, sum: sumOf(key, layer) })}\n`;
    await writeTextAtomically(join(this.folder, 'layers', `${key}.json`), text).catch(() => undefined);
  }

  /** Where a blob lies, or would lie. */
  blobPath(digest: Digest): string {
    return join(this.folder, 'blobs', 'sha256', digest.slice('sha256:'.length));
  }

  /** Whether a blob is here, whole. */
  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    if (this.distrust !== undefined) return false;
    const found = await stat(this.blobPath(descriptor.digest)).catch(() => undefined);
    return found?.isFile() === true && found.size === descriptor.size;
  }

  /** Keeps a blob whose bytes are checked against the digest on the way. Fails with code `integrity` or `disk`. */
  async writeBlob(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    this.requireTrust(`keep blob ${descriptor.digest}`);
    const folder = join(this.folder, 'blobs', 'sha256');
    try {
      makeFolder(folder, 0o700);
    } catch (error) {
      throw diskError(`write ${folder}`, error);
    }
    await writeAtomically(
      folder,
      async (handle) => {
        const hash = createHash('sha256');
        for await (const chunk of bytes) {
          hash.update(chunk);
          await writeAll(handle, chunk);
        }
        const actual = `sha256:${hash.digest('hex')}`;
        if (actual !== descriptor.digest) {
          throw new ModelcarsError(
            'integrity',
            `fetch ${descriptor.digest}: the bytes that came have digest ${actual}`,
          );
        }
        return this.blobPath(descriptor.digest);
      },
      0o600,
    );
  }
}

/** Binds what is remembered to the layer it is about: a record that was damaged, changed or copied from another layer is none. */
function sumOf(key: string, { digest, size, diffId }: KnownLayer): string {
  return createHash('sha256')
    .update(JSON.stringify([key, digest, size, diffId]))
    .digest('hex');
}
