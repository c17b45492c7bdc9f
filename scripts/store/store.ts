import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { ModelcarsError } from '../errors.ts';
import {
  diskError,
  sweepTemporary,
  writeAll,
  writeAtomically,
  writeTextAtomically,
} from '../files/atomic.ts';
import type { Descriptor, Digest } from '../image/types.ts';
import { FileHashes } from './file-hashes.ts';
import { StoreFiles } from './files.ts';
import { touch } from './use.ts';

/** What a layer turned out to be when it was read once. */
export interface KnownLayer {
  digest: Digest;
  /** Bytes as stored in a registry. */
  size: number;
  /** Digest of the uncompressed tar. */
  diffId: Digest;
}

const digest = z.custom<Digest>((value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value));
const knownLayer = z.object({ digest, size: z.int().positive(), diffId: digest });

/**
 * The local cache: model files and blobs of base images by sha256, and the digests of layers made before by their key. Nothing in it is
 * needed for a right result; whatever is broken in it is made again. Its folders are private to the user (0700).
 */
export class Store {
  readonly folder: string;
  readonly files: StoreFiles;
  /** What local files hashed to. */
  readonly hashes: FileHashes;

  private constructor(folder: string) {
    this.folder = folder;
    this.files = new StoreFiles(folder);
    this.hashes = new FileHashes(folder);
  }

  /** Opens or makes the store: `folder`, else where `storeFolder` says. Fails with code `disk`. */
  static async open(folder?: string, environment: NodeJS.ProcessEnv = process.env): Promise<Store> {
    const path = folder ?? storeFolder(environment);
    try {
      for (const name of ['', 'layers', 'blobs', 'blobs/sha256', 'files', 'files/sha256', 'hashes']) {
        await mkdir(join(path, name), { recursive: true, mode: 0o700 });
        await sweepTemporary(join(path, name));
      }
    } catch (error) {
      throw diskError(`open the store ${path}`, error);
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

  /** What a layer with this key was; undefined when it was not made on this machine or the memory of it is damaged. */
  async layer(key: string): Promise<KnownLayer | undefined> {
    const path = join(this.folder, 'layers', `${key}.json`);
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const layer = knownLayer.parse(JSON.parse(text));
      await touch(path);
      return layer;
    } catch {
      return undefined;
    }
  }

  /** Remembers a layer. A store that cannot be written to only costs time, so failing to is not an error. */
  async rememberLayer(key: string, layer: KnownLayer): Promise<void> {
    await writeTextAtomically(join(this.folder, 'layers', `${key}.json`), `${JSON.stringify(layer)}\n`).catch(
      () => undefined,
    );
  }

  /** Where a blob lies, or would lie. */
  blobPath(digest: Digest): string {
    return join(this.folder, 'blobs', 'sha256', digest.slice('sha256:'.length));
  }

  /** Whether a blob is here, whole. */
  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    const found = await stat(this.blobPath(descriptor.digest)).catch(() => undefined);
    return found?.isFile() === true && found.size === descriptor.size;
  }

  /** Keeps a blob whose bytes are checked against the digest on the way. Fails with code `integrity` or `disk`. */
  async writeBlob(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const folder = join(this.folder, 'blobs', 'sha256');
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error) => {
      throw diskError(`write ${folder}`, error);
    });
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

/** Where the store is: $MODELCARS_STORE, else $XDG_CACHE_HOME/modelcars, else ~/.cache/modelcars. */
export function storeFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const cache = environment.XDG_CACHE_HOME || join(homedir(), '.cache');
  return environment.MODELCARS_STORE || join(cache, 'modelcars');
}
