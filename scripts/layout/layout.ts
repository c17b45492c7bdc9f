import { createHash } from 'node:crypto';
import { lstat, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import {
  diskError,
  pathError,
  sweepTemporary,
  temporaryPrefix,
  writeAll,
  writeAtomically,
  writeTextAtomically,
} from '../files/atomic.ts';
import { makeFolder } from '../files/folder.ts';
import { readOpen } from '../files/read.ts';
import { streamHash } from '../hashing/stream-hash.ts';
import type { Content, Descriptor, Digest, ImageStore, Sink, WriteOptions } from '../image/types.ts';
import { recycle } from '../memory/stream-buffers.ts';
import { checkPromised, reachable, readSmall } from './documents.ts';
import {
  type IndexEntry,
  largestIndex,
  layoutVersion,
  nameOf,
  parseEntries,
  serializeEntries,
  withEntry,
} from './entries.ts';
import { openPart, readPart } from './layout-files.ts';

/**
 * An OCI image layout folder (image-spec image-layout.md): `oci-layout`, `index.json`, `blobs/sha256/…`. Blobs appear
 * only when complete; the index is replaced by one rename, so a reader always sees a layout with complete entries.
 */
export class Layout implements Sink, ImageStore, AsyncDisposable {
  readonly folder: string;
  #entries: IndexEntry[];
  #release: (() => Promise<void>) | undefined;
  #saving: Promise<void> = Promise.resolve();

  private constructor(folder: string, entries: IndexEntry[], release?: () => Promise<void>) {
    this.folder = folder;
    this.#entries = entries;
    this.#release = release;
  }

  /** Opens a layout for reading. Fails with code `layout` when the folder is not one. */
  static async open(folder: string): Promise<Layout> {
    const names = await readdir(folder).catch((error: unknown) => {
      throw diskError(`open ${folder}`, error);
    });
    if (!names.includes('oci-layout') || !names.includes('index.json')) {
      throw new ModelcarsError(
        'layout',
        `open ${folder}: it is not an OCI image layout (no oci-layout and index.json)`,
        {
          next: 'run `modelcars build` first, or pass the folder or .tar that it wrote',
        },
      );
    }
    return new Layout(folder, await readEntries(folder));
  }

  /**
   * Opens a layout for writing, creating it if the folder is missing or empty. Rejects a folder with other content,
   * waits for another process that writes to it, and deletes half-written files of a killed run. Close it when done.
   */
  static async create(folder: string): Promise<Layout> {
    try {
      makeFolder(folder);
      const names = (await readdir(folder)).filter((name) => !name.startsWith(temporaryPrefix));
      if (
        !names.includes('index.json') &&
        names.some((name) => !['blobs', 'oci-layout', lockName].includes(name))
      ) {
        throw new ModelcarsError(
          'layout',
          `create ${folder}: the folder holds other files and is not an OCI image layout`,
          {
            next: 'choose a new or empty folder with --output',
          },
        );
      }
      const release = await lockFolder(folder);
      try {
        makeFolder(join(folder, 'blobs', 'sha256'));
        await sweepTemporary(folder);
        await sweepTemporary(join(folder, 'blobs', 'sha256'));
        const isNew = !names.includes('index.json');
        const entries = isNew ? [] : await readEntries(folder);
        await writeTextAtomically(join(folder, 'oci-layout'), layoutVersion);
        if (isNew) await writeTextAtomically(join(folder, 'index.json'), serializeEntries([]));
        return new Layout(folder, entries, release);
      } catch (error) {
        await release();
        throw error;
      }
    } catch (error) {
      throw pathError(`create ${folder}`, error);
    }
  }

  /** The images in the layout, sorted by name. */
  get entries(): readonly IndexEntry[] {
    return this.#entries;
  }

  async has(descriptor: Descriptor): Promise<boolean> {
    const found = await stat(this.#path(descriptor.digest)).catch(() => undefined);
    return found?.isFile() === true && found.size === descriptor.size;
  }

  async write(content: Content, options: WriteOptions = {}): Promise<Descriptor> {
    const hash = streamHash(content.size);
    let size = 0;
    let digest: Digest | undefined;
    try {
      await writeAtomically(join(this.folder, 'blobs', 'sha256'), async (handle) => {
        for await (const chunk of content.open(0, options.signal)) {
          const written = writeAll(handle, chunk); // hashed while the disk writes
          const behind = hash.update(chunk);
          await written;
          if (behind) await behind;
          size += chunk.length;
          options.onBytes?.(chunk.length);
          recycle(chunk);
        }
        digest = `sha256:${await hash.digest()}`;
        checkPromised(content, digest, size);
        return this.#path(digest);
      });
    } catch (error) {
      options.onBytes?.(-size);
      throw error;
    }
    if (digest === undefined) throw new ModelcarsError('bug', 'write blob: no digest was made');
    return { mediaType: content.mediaType, digest, size };
  }

  async tag(name: string, descriptor: Descriptor): Promise<void> {
    this.#entries = withEntry(this.#entries, name, descriptor);
    this.#saving = this.#saving
      .catch(() => undefined)
      .then(() => writeTextAtomically(join(this.folder, 'index.json'), serializeEntries(this.#entries)));
    await this.#saving;
  }

  /** Resolves an entry's name, or the digest of anything reachable from the entries. */
  async resolve(name: string): Promise<Descriptor | undefined> {
    const entry = this.#entries.find((one) => nameOf(one) === name);
    if (entry !== undefined) return entry;
    return (await reachable(this, this.#entries)).find((one) => one.digest === name);
  }

  read(descriptor: Descriptor): Promise<Uint8Array> {
    return readSmall(this, descriptor);
  }

  async *open(descriptor: Descriptor, offset = 0, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const hash = offset === 0 ? createHash('sha256') : undefined;
    const { digest } = descriptor;
    const handle = await openPart(this.folder, this.#path(digest), `blob ${digest}`);
    try {
      for await (const chunk of readOpen(handle, offset, signal)) {
        hash?.update(chunk);
        yield chunk;
      }
    } catch (error) {
      throw diskError(`read ${this.folder}`, error);
    }
    const actual = hash?.digest('hex');
    if (actual !== undefined && `sha256:${actual}` !== descriptor.digest) {
      throw new ModelcarsError(
        'integrity',
        `read ${this.folder}: blob ${descriptor.digest} has digest sha256:${actual}`,
        {
          next: 'delete the layout and build again: a blob was changed, or the disk is failing',
        },
      );
    }
  }

  /** Deletes blobs that no entry reaches: earlier images with the same name. Returns the bytes freed. */
  async collect(): Promise<number> {
    const keep = new Set((await reachable(this, this.#entries)).map((one) => this.#path(one.digest)));
    const blobs = join(this.folder, 'blobs', 'sha256');
    let freed = 0;
    try {
      for (const name of await readdir(blobs)) {
        const path = join(blobs, name);
        if (keep.has(path) || name.startsWith(temporaryPrefix)) continue;
        const found = await lstat(path);
        // No builder creates folders in blobs/sha256: do not delete a user's files.
        if (found.isDirectory()) continue;
        freed += found.size;
        await rm(path);
      }
    } catch (error) {
      throw pathError(`clean ${blobs}`, error);
    }
    return freed;
  }

  /** Releases the lock. */
  async close(): Promise<void> {
    await this.#release?.();
    this.#release = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #path(digest: Digest): string {
    return join(this.folder, 'blobs', 'sha256', digest.slice('sha256:'.length));
  }
}

async function readEntries(folder: string): Promise<IndexEntry[]> {
  const bytes = await readPart(folder, join(folder, 'index.json'), 'index.json', largestIndex);
  return parseEntries(folder, bytes);
}

/** A folder that exists while a process writes; one left by a killed process expires after ten seconds. */
export const lockName = '.modelcars-lock';

/**
 * Waits up to a minute for the exclusive write lock on a layout's folder; returns the function that releases it. Fails
 * with code `layout`.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const { lock } = await import('proper-lockfile');
  try {
    const release = await lock(folder, {
      lockfilePath: join(folder, lockName),
      stale: 10_000,
      // The folder was deleted, or this process stalled: blobs and index are complete or absent either way.
      onCompromised: () => undefined,
      retries: { retries: 60, factor: 1, minTimeout: 1000, maxTimeout: 1000 },
    });
    return () => release().catch(() => undefined);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ELOCKED')) throw error;
    throw new ModelcarsError(
      'layout',
      `create ${folder}: another modelcars has been writing to it for a minute`,
      {
        next: 'wait for it, or build into another folder with --output',
        cause: error,
      },
    );
  }
}
