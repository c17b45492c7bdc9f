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
  writeRecord,
} from '../files/atomic.ts';
import { makeFolder } from '../files/folder.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import { FileHashes } from './file-hashes.ts';
import { StoreFiles } from './files.ts';
import { storeFolder } from './folder.ts';
import { touch } from './in-use.ts';
import { type Distrust, distrustOf, readOwn, requireTrust } from './trust.ts';

/** A layer's properties, known once it was read. */
export interface KnownLayer {
  digest: Digest;
  /** Bytes as stored in a registry. */
  size: number;
  /** Digest of the uncompressed tar. */
  diffId: Digest;
}

const digest = z.custom<Digest>((value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value));
const record = z.object({ digest, size: z.int().positive(), diffId: digest, sum: z.string() });

const walkRecord = z.object({ version: z.int(), files: z.unknown(), sum: z.string() });
/** Upper bound of the size of a walk's record, in bytes. */
const mostWalkBytes = 1024 ** 2;

/** Upper bound of a layer record's size, in bytes. */
const mostBytes = 4096;

/**
 * The local cache: model files and blobs of base images by SHA-256, and layer digests of earlier runs by key. No result
 * depends on it; whatever is damaged is made again. Its folders are private to the user (0700). A store that another
 * user can write to is not trusted: only model files are read from it, which are checked by their hash, and nothing is
 * written.
 */
export class Store {
  readonly folder: string;
  readonly files: StoreFiles;
  /** Recorded hashes of local files. */
  readonly hashes: FileHashes;
  /** Why the store is not trusted; undefined when it is. */
  readonly distrust: Distrust | undefined;

  private constructor(folder: string, distrust?: Distrust) {
    this.folder = folder;
    this.distrust = distrust;
    this.files = new StoreFiles(folder, { readOnly: distrust !== undefined });
    this.hashes = new FileHashes(folder, { trusted: distrust === undefined });
  }

  /**
   * Opens or creates the store in `folder`, by default `storeFolder()`. An untrusted store is opened (see `distrust`)
   * but never created. Fails with code `disk`.
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

  /** Like `open`, but a store that cannot be created is empty and keeps nothing: runs work without one. */
  static async openIfPossible(folder?: string): Promise<Store> {
    try {
      return await Store.open(folder);
    } catch (error) {
      if (error instanceof ModelcarsError && error.code === 'disk')
        return new Store(folder ?? storeFolder(process.env));
      throw error;
    }
  }

  /**
   * Fails with code `disk` when this store is not trusted and `what` ("fetch base images into the store") requires it.
   */
  requireTrust(what: string): void {
    requireTrust(this.distrust, what);
  }

  /** The recorded layer with this key; undefined when it was not made on this machine or its record is damaged. */
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

  /** Records a layer. An unwritable store only costs time, so it is not an error. */
  async rememberLayer(key: string, layer: KnownLayer): Promise<void> {
    if (this.distrust !== undefined) return;
    const text = `${JSON.stringify({ ...layer, sum: sumOf(key, layer) })}\n`;
    await writeRecord(join(this.folder, 'layers', `${key}.json`), text).catch(() => undefined);
  }

  /**
   * What was recorded of a layer's files by this version of the walk for unsafe files; undefined when nothing was, or
   * the record is damaged.
   */
  async walk(key: string, version: number): Promise<unknown> {
    const path = join(this.folder, 'layers', `${key}.walk.json`);
    const text = this.distrust === undefined ? await readOwn(path, mostWalkBytes) : undefined;
    if (text === undefined) return undefined;
    try {
      const { sum, ...walk } = walkRecord.parse(JSON.parse(text));
      if (walk.version !== version || sum !== walkSumOf(key, walk)) return undefined;
      await touch(path);
      return walk.files;
    } catch {
      return undefined;
    }
  }

  /** Records what a walk found in a layer's files. An unwritable store only costs time. */
  async rememberWalk(key: string, version: number, files: unknown): Promise<void> {
    if (this.distrust !== undefined) return;
    const text = `${JSON.stringify({ version, files, sum: walkSumOf(key, { version, files }) })}\n`;
    if (text.length > mostWalkBytes) return;
    await writeRecord(join(this.folder, 'layers', `${key}.walk.json`), text).catch(() => undefined);
  }

  /** The path of a blob, whether or not it exists. */
  blobPath(digest: Digest): string {
    return join(this.folder, 'blobs', 'sha256', digest.slice('sha256:'.length));
  }

  /** Whether the complete blob is in the store. */
  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    if (this.distrust !== undefined) return false;
    const found = await stat(this.blobPath(descriptor.digest)).catch(() => undefined);
    return found?.isFile() === true && found.size === descriptor.size;
  }

  /** Keeps a blob and checks its bytes against the digest while writing. Fails with code `integrity` or `disk`. */
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

/** Binds a record to its layer: one that was damaged, changed or copied from another layer does not match. */
function sumOf(key: string, { digest, size, diffId }: KnownLayer): string {
  return createHash('sha256')
    .update(JSON.stringify([key, digest, size, diffId]))
    .digest('hex');
}

function walkSumOf(key: string, { version, files }: { version: number; files: unknown }): string {
  return createHash('sha256')
    .update(JSON.stringify([key, version, files]))
    .digest('hex');
}
