import { constants } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { diskError } from '../files/atomic.ts';
import { makeFolder } from '../files/folder.ts';
import { readOpen } from '../files/read.ts';
import type { CheckedFile } from '../model/corrupt-file.ts';
import type { FileCache } from './file-cache.ts';
import { waitForLock } from './file-lock.ts';
import { markInUse } from './in-use.ts';
import { PartialFile, partialPath } from './partial-file.ts';

/** Gives the bytes of a file from `offset` to its end, from somewhere else. */
export type Origin = (offset: number, signal?: AbortSignal) => AsyncIterable<Uint8Array>;

export interface KeepOptions {
  /** Where the caller begins; what comes before is kept all the same. Default 0. */
  offset?: number;
  signal?: AbortSignal | undefined;
  /** Another process fetches the file: this one waits for it. */
  onWait?(): void;
  /** So many bytes of the file need not be fetched: they, or all of it, were here. */
  onFound?(bytes: number): void;
}

/**
 * Model files by sha256: `files/sha256/<2 digits>/<62 digits>`, private to the user (0700, 0400). A file appears whole, after
 * its hash was found right, fsync and rename; `….part` beside it is what a run has so far, which the next one goes on with.
 * With `readOnly` nothing is written, deleted or marked.
 */
export class StoreFiles implements FileCache {
  readonly name = 'the store';
  readonly folder: string;
  readonly readOnly: boolean;

  /** `folder` is the store's. */
  constructor(folder: string, { readOnly = false } = {}) {
    this.folder = join(folder, 'files', 'sha256');
    this.readOnly = readOnly;
  }

  /** A folder with model files alone. Fails with code `disk`. */
  static async create(folder: string): Promise<StoreFiles> {
    const files = new StoreFiles(folder);
    try {
      makeFolder(files.folder, 0o700);
    } catch (error) {
      throw diskError(`open the folder ${folder}`, error);
    }
    return files;
  }

  /** Where a file lies, or would lie. */
  path(sha256: string): string {
    return join(this.folder, sha256.slice(0, 2), sha256.slice(2));
  }

  /** Whether a file is here, whole. */
  async has(file: CheckedFile): Promise<boolean> {
    const found = await stat(this.path(file.sha256)).catch(() => undefined);
    return found?.isFile() === true && found.size === file.size;
  }

  /** Bytes of a file that are not here: what is still to be fetched, and room still needed. */
  async lacks(file: CheckedFile): Promise<number> {
    if (this.readOnly || (await this.has(file))) return 0;
    const part = await stat(partialPath(this.path(file.sha256))).catch(() => undefined);
    return Math.max(0, file.size - (part?.size ?? 0));
  }

  /** A file's bytes from `offset`; undefined when it is not here. The caller checks the hash, and says `forget` when it is wrong. */
  async open(
    file: CheckedFile,
    offset = 0,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    if (!(await this.has(file))) return undefined;
    const path = this.path(file.sha256);
    const done = this.readOnly ? async () => undefined : await markInUse(path);
    // What was a file a moment ago may be a pipe by now, where others can write: opening one would block.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
    if (handle === undefined) {
      await done();
      return undefined;
    }
    return (async function* () {
      try {
        yield* readOpen(handle, offset, signal);
      } finally {
        await done();
      }
    })();
  }

  /** Deletes a file that was found to be wrong. */
  async forget(file: Pick<CheckedFile, 'sha256'>): Promise<void> {
    if (this.readOnly) return;
    await rm(this.path(file.sha256), { force: true }).catch(() => undefined);
  }

  /**
   * Passes a file's bytes on from `offset` and keeps them on the way, so that they are here when the last chunk has gone out. What an
   * earlier run kept is read from the disk first, hashed with the rest, and only the rest asked of `origin`. One process
   * fetches at a time, others wait for its result. Fails with a WrongFile, before the last chunk, when the whole is not the file:
   * what was kept is deleted then; and with code `disk` when the store cannot be written to.
   */
  async *keep(file: CheckedFile, origin: Origin, options: KeepOptions = {}): AsyncGenerator<Uint8Array> {
    const { offset = 0, signal, onWait, onFound } = options;
    if (this.readOnly) {
      yield* origin(offset, signal);
      return;
    }
    const path = this.path(file.sha256);
    const isDone = () => this.has(file);
    const held = await (async () => {
      try {
        makeFolder(dirname(path), 0o700);
        return await waitForLock(path, { isDone, signal, ...(onWait && { onWait }) });
      } catch (error) {
        throw diskError(`keep ${file.path} in the store`, error);
      }
    })();
    if (held === undefined) {
      onFound?.(file.size);
      yield* (await this.open(file, offset, signal)) ?? origin(offset, signal);
      return;
    }
    try {
      await using part = await PartialFile.open(path, file, held);
      if (part.size > 0) onFound?.(part.size);
      yield* part.fill(origin, offset, signal);
    } finally {
      await held.release();
    }
  }
}
