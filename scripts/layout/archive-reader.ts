import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import { diskError } from '../files/atomic.ts';
import type { Descriptor, Digest, ImageStore } from '../image/types.ts';
import { listMembers, type Span } from './archive-members.ts';
import { reachable, readSmall } from './documents.ts';
import { type IndexEntry, largestIndex, nameOf, parseEntries } from './entries.ts';
import { openPart, readAt } from './layout-files.ts';

/** An OCI image layout in a tar, read in place: one pass over the headers, then any blob by its offset. */
export class ArchiveReader implements ImageStore, AsyncDisposable {
  readonly file: string;
  readonly entries: readonly IndexEntry[];
  readonly #handle: FileHandle;
  readonly #members: ReadonlyMap<string, Span>;

  private constructor(
    file: string,
    handle: FileHandle,
    members: ReadonlyMap<string, Span>,
    entries: IndexEntry[],
  ) {
    this.file = file;
    this.#handle = handle;
    this.#members = members;
    this.entries = entries;
  }

  /** Fails with code `layout` when the file is not a tar of an OCI image layout. */
  static async open(file: string): Promise<ArchiveReader> {
    const handle = await openPart(file, file, 'the archive');
    try {
      const members = await listMembers(file, handle);
      const index = members.get('index.json');
      if (index === undefined || index.size > largestIndex) {
        const problem = index ? `index.json has ${index.size} bytes` : 'no index.json';
        throw new ModelcarsError('layout', `open ${file}: it is not an OCI image layout (${problem})`, {
          next: 'pass the folder or .tar that `modelcars build` wrote',
        });
      }
      const bytes = await readAt(handle, index.start, index.size);
      return new ArchiveReader(file, handle, members, parseEntries(file, bytes));
    } catch (error) {
      await handle.close();
      throw diskError(`open ${file}`, error);
    }
  }

  async resolve(name: string): Promise<Descriptor | undefined> {
    const entry = this.entries.find((one) => nameOf(one) === name);
    return entry ?? (await reachable(this, this.entries)).find((one) => one.digest === name);
  }

  read(descriptor: Descriptor): Promise<Uint8Array> {
    return readSmall(this, descriptor);
  }

  async *open(descriptor: Descriptor, offset = 0, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const span = this.#members.get(`blobs/sha256/${descriptor.digest.slice('sha256:'.length)}`);
    if (span === undefined) {
      throw new ModelcarsError('layout', `read ${this.file}: blob ${descriptor.digest} is missing`, {
        next: 'build again; the layout is not complete',
      });
    }
    const hash = offset === 0 ? createHash('sha256') : undefined;
    for (let at = offset; at < span.size; ) {
      signal?.throwIfAborted();
      const chunk = new Uint8Array(Math.min(1 << 20, span.size - at));
      const { bytesRead } = await this.#handle
        .read(chunk, 0, chunk.length, span.start + at)
        .catch((error: unknown) => {
          throw diskError(`read ${this.file}`, error);
        });
      if (bytesRead === 0) break;
      hash?.update(chunk.subarray(0, bytesRead));
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
    const actual: Digest | undefined = hash && `sha256:${hash.digest('hex')}`;
    if (actual !== undefined && actual !== descriptor.digest) {
      throw new ModelcarsError(
        'integrity',
        `read ${this.file}: blob ${descriptor.digest} has digest ${actual}`,
        {
          next: 'delete the archive and build again: it was changed, or the disk is failing',
        },
      );
    }
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
