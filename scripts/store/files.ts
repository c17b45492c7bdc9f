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

/** Reads a file's bytes from `offset` to its end, from outside the store. */
export type Origin = (offset: number, signal?: AbortSignal) => AsyncIterable<Uint8Array>;

export interface KeepOptions {
  /** First byte that the caller reads; earlier bytes are kept too. Default 0. */
  offset?: number;
  signal?: AbortSignal | undefined;
  /** Called when another process is fetching the file and this one waits for it. */
  onWait?(): void;
  /** Called with the number of bytes that need no fetching because part or all of the file was in the store. */
  onFound?(bytes: number): void;
}

/**
 * Model files by SHA-256: `files/sha256/<2 digits>/<62 digits>`, private to the user (0700, 0400). A file appears only
 * when complete: after its hash matched, fsync and rename. `….part` beside it holds the bytes so far, from which the
 * next run resumes. With `readOnly` nothing is written, deleted or marked.
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

  /** Creates a folder with model files only. Fails with code `disk`. */
  static async create(folder: string): Promise<StoreFiles> {
    const files = new StoreFiles(folder);
    try {
      makeFolder(files.folder, 0o700);
    } catch (error) {
      throw diskError(`open the folder ${folder}`, error);
    }
    return files;
  }

  /** The path of a file, whether or not it exists. */
  path(sha256: string): string {
    return join(this.folder, sha256.slice(0, 2), sha256.slice(2));
  }

  /** Whether the complete file is in the store. */
  async has(file: CheckedFile): Promise<boolean> {
    const found = await stat(this.path(file.sha256)).catch(() => undefined);
    return found?.isFile() === true && found.size === file.size;
  }

  /** Bytes of a file missing from the store: what remains to be fetched, and the space that takes. */
  async lacks(file: CheckedFile): Promise<number> {
    if (this.readOnly || (await this.has(file))) return 0;
    const part = await stat(partialPath(this.path(file.sha256))).catch(() => undefined);
    return Math.max(0, file.size - (part?.size ?? 0));
  }

  /**
   * A file's bytes from `offset`; undefined when it is not in the store. The caller checks the hash and calls `forget`
   * on a mismatch.
   */
  async open(
    file: CheckedFile,
    offset = 0,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    if (!(await this.has(file))) return undefined;
    const path = this.path(file.sha256);
    const done = this.readOnly ? async () => undefined : await markInUse(path);
    // If others can write here, the file may have been replaced by a pipe since it was checked: opening that would
    // block.
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

  /** Deletes a file whose hash did not match. */
  async forget(file: Pick<CheckedFile, 'sha256'>): Promise<void> {
    if (this.readOnly) return;
    await rm(this.path(file.sha256), { force: true }).catch(() => undefined);
  }

  /**
   * Yields a file's bytes from `offset` and keeps them, so that the file is complete in the store when the last chunk
   * goes out. Bytes kept by an earlier run are read from disk first and hashed with the rest; only the rest is
   * requested from `origin`. One process fetches at a time, others wait for its result. Fails with a CorruptFile before
   * the last chunk when the whole does not match, and deletes what was kept; with code `disk` when the store is not
   * writable.
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
