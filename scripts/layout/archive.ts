import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { ModelcarsError } from '../errors.ts';
import { diskError, sweepTemporary, temporaryPrefix, writeAll } from '../files/atomic.ts';
import { parseIndex, parseManifest } from '../image/schema.ts';
import { encodeHeader, endOfArchive, paddingOf } from '../image/tar.ts';
import {
  type Content,
  type Descriptor,
  type Digest,
  isManifest,
  mediaTypes,
  type Sink,
  type WriteOptions,
} from '../image/types.ts';
import { recycle } from '../memory/stream-buffers.ts';
import { checkPromised } from './documents.ts';
import { type IndexEntry, layoutVersion, serializeEntries, withEntry } from './entries.ts';

const headerSize = 512;

/**
 * An OCI image layout as one tar, written in a single pass: a blob's header is written after its bytes, once the
 * digest, and so the name, is known. It also contains Docker's `manifest.json`, without which `docker load` before
 * version 25 finds no image. The file gets its name on `close`; `abandon` leaves nothing.
 */
export class Archive implements Sink {
  readonly file: string;
  readonly #handle: FileHandle;
  readonly #temporary: string;
  readonly #one = pLimit(1);
  /** Where the next member starts. */
  #position = 0;
  #entries: IndexEntry[] = [];
  readonly #sizes = new Map<Digest, number>();
  /** Manifests, indexes and configs: small, and needed for manifest.json. */
  readonly #documents = new Map<Digest, Uint8Array>();

  private constructor(file: string, handle: FileHandle, temporary: string) {
    this.file = file;
    this.#handle = handle;
    this.#temporary = temporary;
  }

  /** Starts an archive; an existing file is replaced on `close`. Fails with code `disk`. */
  static async create(file: string): Promise<Archive> {
    const temporary = join(
      dirname(file),
      `${temporaryPrefix}${process.pid}-${randomBytes(6).toString('hex')}`,
    );
    await sweepTemporary(dirname(file));
    try {
      return new Archive(file, await open(temporary, 'wx', 0o644), temporary);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        throw new ModelcarsError('disk', `write ${file}: its folder does not exist`, {
          next: 'create it',
          cause: error,
        });
      }
      throw diskError(`write ${file}`, error);
    }
  }

  async has(descriptor: Descriptor): Promise<boolean> {
    return this.#sizes.get(descriptor.digest) === descriptor.size;
  }

  /** Blobs are consecutive in a tar, so writes run one at a time. */
  write(content: Content, options: WriteOptions = {}): Promise<Descriptor> {
    return this.#one(async () => {
      const start = this.#position;
      const hash = createHash('sha256');
      const keep: Uint8Array[] | undefined = isManifest(content.mediaType) ? [] : undefined;
      let size = 0;
      try {
        for await (const chunk of content.open(0, options.signal)) {
          const written = writeAll(this.#handle, chunk, start + headerSize + size);
          hash.update(chunk);
          await written;
          keep?.push(Buffer.from(chunk));
          size += chunk.length;
          options.onBytes?.(chunk.length);
          recycle(chunk);
        }
      } catch (error) {
        options.onBytes?.(-size);
        throw diskError(`write ${this.file}`, error);
      }
      const digest: Digest = `sha256:${hash.digest('hex')}`;
      checkPromised(content, digest, size);
      if (!this.#sizes.has(digest)) {
        await this.#finishMember(`blobs/sha256/${digest.slice('sha256:'.length)}`, size);
        this.#sizes.set(digest, size);
      }
      if (keep !== undefined) this.#documents.set(digest, Buffer.concat(keep));
      return { mediaType: content.mediaType, digest, size };
    });
  }

  async tag(name: string, descriptor: Descriptor): Promise<void> {
    this.#entries = withEntry(this.#entries, name, descriptor);
  }

  /** Writes the index and the end of the tar, and renames the file to its final name. */
  async close(): Promise<void> {
    try {
      await this.#addText('oci-layout', layoutVersion);
      await this.#addText('index.json', serializeEntries(this.#entries));
      await this.#addText(
        'manifest.json',
        JSON.stringify(this.#entries.map((entry) => this.#dockerEntry(entry))),
      );
      await writeAll(this.#handle, endOfArchive, this.#position);
      await this.#handle.truncate(this.#position + endOfArchive.length);
      await this.#handle.datasync();
      await this.#handle.close();
      await rename(this.#temporary, this.file);
    } catch (error) {
      await this.abandon();
      throw diskError(`write ${this.file}`, error);
    }
  }

  /** Deletes the unfinished archive. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporary, { force: true });
  }

  async #addText(name: string, text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    await writeAll(this.#handle, bytes, this.#position + headerSize);
    await this.#finishMember(name, bytes.length);
  }

  async #finishMember(path: string, size: number): Promise<void> {
    const header = encodeHeader({ path, type: 'file', mode: 0o644, uid: 0, gid: 0, mtime: 0, size });
    await writeAll(this.#handle, header, this.#position);
    const end = this.#position + headerSize + size;
    await writeAll(this.#handle, new Uint8Array(paddingOf(size)), end);
    this.#position = end + paddingOf(size);
  }

  /**
   * The entry that `docker load` reads (moby image/spec v1.2, "Combined Image JSON"): one platform, amd64 if present,
   * since older Docker versions cannot choose.
   */
  #dockerEntry(entry: IndexEntry): { Config: string; RepoTags: string[]; Layers: string[] } {
    const bytesOf = (descriptor: Descriptor) => this.#documents.get(descriptor.digest) ?? new Uint8Array();
    const path = (descriptor: Descriptor) => `blobs/sha256/${descriptor.digest.slice('sha256:'.length)}`;
    let descriptor: Descriptor = entry;
    if (entry.mediaType === mediaTypes.index) {
      const { manifests } = parseIndex(bytesOf(entry), entry.digest);
      descriptor = manifests.find((one) => one.platform?.architecture === 'amd64') ?? manifests[0] ?? entry;
    }
    const manifest = parseManifest(bytesOf(descriptor), descriptor.digest);
    const name = entry.annotations?.['org.opencontainers.image.ref.name'];
    return {
      Config: path(manifest.config),
      RepoTags: name === undefined ? [] : [name],
      Layers: manifest.layers.map(path),
    };
  }
}
