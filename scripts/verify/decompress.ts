import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';

/** Most compressed streams in one blob, one after another (pigz and zstd:chunked write several). */
const streamLimit = 200_000;

/** Bytes to which any blob may decompress. */
const alwaysAllowed = 256 * 1024 ** 2;
/** Above that, bytes per byte of the blob: programs and weights give 2 to 20, gzip's maximum is 1032. */
const mostExpansion = 100;

/**
 * Bytes to which a blob of `size` bytes may decompress before it counts as a bomb: at least `wanted`, the number
 * expected.
 */
export function decompressionLimit(size: number, wanted = 0): number {
  return Math.max(alwaysAllowed, size * mostExpansion, wanted);
}

/**
 * Decompresses the data written to it, in constant memory. A blob may consist of several gzip members or zstd frames,
 * one after another; any other data after a stream, or more than `limit` bytes in all, is an error. Errors are not
 * thrown but kept in `error`, and later writes do nothing, so that the caller can read the blob to its end and hash it.
 */
export class Decompressor {
  /** Why the bytes cannot be decompressed. */
  error: string | undefined;
  readonly #format: 'gzip' | 'zstd';
  readonly #onChunk: (chunk: Uint8Array) => void;
  #stream: Gunzip | ZstdDecompress;
  #ended: Promise<'ended'>;
  /** Bytes written to the current stream. */
  #written = 0;
  #streams = 0;
  /** Bytes that may still come out. */
  #left: number;

  constructor(
    format: 'gzip' | 'zstd',
    onChunk: (chunk: Uint8Array) => void,
    limit = Number.POSITIVE_INFINITY,
  ) {
    this.#format = format;
    this.#onChunk = onChunk;
    this.#left = limit;
    [this.#stream, this.#ended] = this.#begin();
  }

  async write(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0 && this.error === undefined) {
      const now = rest;
      this.#written += now.length;
      // A stream that has ended never calls back for a write whose bytes it leaves unread.
      const accepted = new Promise<'written'>((resolve) => this.#stream.write(now, () => resolve('written')));
      const outcome = await this.#guard(Promise.race([this.#ended, accepted]));
      if (outcome !== 'ended') return;
      rest = now.subarray(now.length - (this.#written - this.#stream.bytesWritten));
      if (rest.length > 0) [this.#stream, this.#ended] = this.#begin();
    }
  }

  async end(): Promise<void> {
    if (this.error !== undefined) return;
    if (!this.#stream.writableEnded) this.#stream.end();
    await this.#guard(this.#ended);
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #begin(): [Gunzip | ZstdDecompress, Promise<'ended'>] {
    if (++this.#streams > streamLimit) this.error = `it holds over ${streamLimit} compressed streams`;
    const stream = this.#format === 'gzip' ? createGunzip() : createZstdDecompress();
    this.#written = 0;
    const ended = new Promise<'ended'>((resolve, reject) => {
      stream.on('data', (chunk: Uint8Array) => {
        if (stream.destroyed) return;
        this.#left -= chunk.length;
        // A few bytes can hold terabytes: a single write might never end.
        if (this.#left < 0) stream.destroy(new Error('it unpacks to far more bytes than its size allows'));
        else this.#onChunk(chunk);
      });
      stream.on('end', () => resolve('ended'));
      stream.on('error', reject);
    });
    ended.catch(() => {}); // handled by the next write or end
    return [stream, ended];
  }

  async #guard<T>(promise: Promise<T>): Promise<T | undefined> {
    try {
      return await promise;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }
}
