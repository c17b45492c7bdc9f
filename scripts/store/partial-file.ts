import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { diskError, writeAll } from '../files/atomic.ts';
import { readFrom } from '../files/read.ts';
import { type StreamHash, streamHash } from '../hashing/stream-hash.ts';
import { recycle } from '../memory/stream-buffers.ts';
import { type CheckedFile, CorruptFile } from '../model/corrupt-file.ts';
import type { LockHandle } from './file-lock.ts';

/** The path of the partial file for `path`. */
export function partialPath(path: string): string {
  return `${path}.part`;
}

/**
 * A file of the store during download, written by one process. Its bytes count as verified only once the hash of the
 * whole matches: whatever a crash left in it, it becomes the file only if all of it is right.
 */
export class PartialFile implements AsyncDisposable {
  /** Bytes present when it was opened. */
  readonly size: number;
  readonly #path: string;
  readonly #file: CheckedFile;
  readonly #handle: FileHandle;
  readonly #held: LockHandle;
  readonly #hash: StreamHash;

  private constructor(path: string, file: CheckedFile, handle: FileHandle, size: number, held: LockHandle) {
    this.#path = path;
    this.#file = file;
    this.#handle = handle;
    this.#held = held;
    this.size = size;
    this.#hash = streamHash(file.size);
  }

  /** Opens or creates the partial file of `path`. One larger than the file is truncated to zero. */
  static async open(path: string, file: CheckedFile, held: LockHandle): Promise<PartialFile> {
    try {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
      const handle = await open(partialPath(path), flags, 0o600);
      let { size } = await handle.stat();
      if (size > file.size) {
        await handle.truncate(0);
        size = 0;
      }
      return new PartialFile(path, file, handle, size, held);
    } catch (error) {
      throw diskError(`keep ${file.path} in the store`, error);
    }
  }

  /**
   * The file's bytes from `offset`, missing ones from `origin`; the partial file is renamed to the file before the last
   * chunk goes out.
   */
  async *fill(
    origin: (offset: number, signal?: AbortSignal) => AsyncIterable<Uint8Array>,
    offset: number,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let at = 0;
    const file = this.#file;
    for await (const chunk of this.#bytes(origin, signal)) {
      if (chunk.length === 0) continue;
      const end = at + chunk.length;
      if (end > file.size) throw await this.#refuse(`has more than the ${file.size} bytes locked`);
      const written = at < this.size ? undefined : this.#write(chunk, at);
      const behind = this.#hash.update(chunk); // hashed while the disk writes
      await written;
      if (behind) await behind;
      if (end === file.size) await this.#finish();
      if (end > offset) yield at < offset ? chunk.subarray(offset - at) : chunk;
      else recycle(chunk);
      at = end;
    }
    // The received bytes are kept: the connection may have ended early.
    if (at < file.size) throw new CorruptFile(file, `ended after ${at} of ${file.size} bytes`);
    if (file.size === 0) await this.#finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async *#bytes(
    origin: (offset: number, signal?: AbortSignal) => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    let left = this.size;
    if (left > 0) {
      try {
        for await (const chunk of readFrom(partialPath(this.#path), 0, signal)) {
          if (left === 0) break;
          yield chunk.subarray(0, left);
          left -= Math.min(left, chunk.length);
        }
      } catch (error) {
        if (signal?.aborted || error instanceof CorruptFile) throw error;
        throw await this.#refuse('was stored in part, and that part cannot be read', error);
      }
    }
    if (left > 0) throw await this.#refuse('was stored in part, and that part has shrunk');
    if (this.size < this.#file.size) yield* origin(this.size, signal);
  }

  async #write(chunk: Uint8Array, at: number): Promise<void> {
    if (this.#held.lost()) return;
    try {
      await writeAll(this.#handle, chunk, at);
    } catch (error) {
      throw diskError(`keep ${this.#file.path} in the store`, error);
    }
  }

  async #finish(): Promise<void> {
    const actual = await this.#hash.digest();
    if (actual !== this.#file.sha256)
      throw await this.#refuse(`has sha256 ${actual}, the lock has ${this.#file.sha256}`);
    if (this.#held.lost()) return; // the process that now holds the lock finishes it
    try {
      await this.#handle.chmod(0o400);
      await this.#handle.datasync();
      await rename(partialPath(this.#path), this.#path);
    } catch (error) {
      // Another process took the lock, not yet noticed here, and renamed the file first.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
      throw diskError(`keep ${this.#file.path} in the store`, error);
    }
  }

  /** Deletes the partial file: the next attempt reads all of it from its origin. */
  async #refuse(why: string, cause?: unknown): Promise<CorruptFile> {
    if (!this.#held.lost()) await rm(partialPath(this.#path), { force: true }).catch(() => undefined);
    return new CorruptFile(this.#file, why, cause);
  }
}
