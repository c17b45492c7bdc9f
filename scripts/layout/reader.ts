import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import { diskError } from '../files/atomic.ts';
import { paddingOf } from '../image/tar.ts';
import type { Descriptor, Digest, ImageStore } from '../image/types.ts';
import { reachable, readSmall } from './documents.ts';
import { type IndexEntry, nameOf, parseEntries } from './entries.ts';

/** Where a member's bytes lie in the file. */
interface Span {
  start: number;
  size: number;
}

/** More members than this is no layout of ours. */
const mostMembers = 1_000_000;

/** An OCI image layout in a tar, read in place: one look at every header, then any blob by its offset. */
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
    let handle: FileHandle;
    try {
      handle = await open(file, 'r');
    } catch (error) {
      throw diskError(`open ${file}`, error);
    }
    try {
      const members = await listMembers(file, handle);
      const index = members.get('index.json');
      if (index === undefined || index.size > 4 * 1024 ** 2) {
        throw new ModelcarsError('layout', `open ${file}: it is not an OCI image layout (no index.json)`, {
          next: 'name the folder or .tar that `modelcars build` wrote',
        });
      }
      const bytes = new Uint8Array(index.size);
      await handle.read(bytes, 0, index.size, index.start);
      return new ArchiveReader(file, handle, members, parseEntries(file, bytes));
    } catch (error) {
      await handle.close();
      throw error;
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
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, span.start + at);
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

/** Name and place of every regular file. Names longer than 100 bytes do not occur in layouts and are not looked for. */
async function listMembers(file: string, handle: FileHandle): Promise<Map<string, Span>> {
  const members = new Map<string, Span>();
  const header = Buffer.alloc(512);
  for (let at = 0, count = 0; ; count++) {
    const { bytesRead } = await handle.read(header, 0, header.length, at);
    if (bytesRead < header.length || header.every((byte) => byte === 0)) return members;
    const size = decodeSize(header.subarray(124, 136));
    const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
    if (
      sum !== Number.parseInt(header.toString('latin1', 148, 154), 8) ||
      count > mostMembers ||
      size === undefined
    ) {
      throw new ModelcarsError(
        'layout',
        `open ${file}: it is not a tar, or a damaged one (header at byte ${at})`,
        {
          next: 'name the folder or .tar that `modelcars build` wrote',
        },
      );
    }
    const name = header.toString('utf8', 0, 100).replace(/\0.*$/s, '').replace(/^\.\//, '');
    if (header[156] === 0x30 || header[156] === 0) members.set(name, { start: at + header.length, size });
    at += header.length + size + paddingOf(size);
  }
}

/** Octal digits, or GNU base-256 when the top bit is set; undefined for what is no number of bytes that a file can have. */
function decodeSize(field: Buffer): number | undefined {
  const octal = field.toString('latin1').replace(/[\0 ].*$/s, '');
  const isBinary = ((field[0] ?? 0) & 0x80) !== 0;
  const size = isBinary ? Number(field.subarray(4).readBigUInt64BE()) : Number.parseInt(octal || '0', 8);
  // Half of what a number holds, so that a place behind it is one, too.
  return size >= 0 && size <= Number.MAX_SAFE_INTEGER / 2 ? size : undefined;
}
