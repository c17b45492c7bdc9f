import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';

/** Most compressed streams in one blob, one after another (pigz and zstd:chunked write several). */
const streamLimit = 200_000;

/**
 * The decompressed bytes of a layer, in constant memory: callers that read slowly slow down the decompression. The
 * layer may consist of several gzip members or zstd frames, of which Node's own decompressors drop all zstd frames after
 * the first without an error (image tools such as podman write one frame for each file). Fails when other bytes follow a
 * stream, when the last one ends early, and above `most` bytes.
 */
export async function* inflate(
  bytes: AsyncIterable<Uint8Array>,
  format: 'gzip' | 'zstd',
  most = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  const input = bytes[Symbol.asyncIterator]();
  let left = most;
  try {
    let rest = await nextChunk(input);
    for (let streams = 0; rest !== undefined; ) {
      if (++streams > streamLimit) throw new Error(`it holds over ${streamLimit} compressed streams`);
      const one = new OneStream(format, rest, input);
      try {
        for await (const chunk of one.stream) {
          left -= chunk.length;
          if (left < 0) throw new Error('it unpacks to far more bytes than its size allows');
          yield chunk;
        }
        rest = (await one.rest()) ?? (await nextChunk(input));
      } finally {
        one.stream.destroy();
      }
    }
  } finally {
    await input.return?.();
  }
}

/** One gzip member (or several, which Node reads as one) or zstd frame. */
class OneStream {
  readonly stream: Gunzip | ZstdDecompress;
  readonly #fed: Promise<void>;
  #written = 0;
  #last: Uint8Array = new Uint8Array();

  constructor(format: 'gzip' | 'zstd', first: Uint8Array, input: AsyncIterator<Uint8Array>) {
    this.stream = format === 'gzip' ? createGunzip() : createZstdDecompress();
    const over = new Promise<void>((resolve) => {
      this.stream.once('end', resolve).once('close', resolve);
    });
    this.#fed = this.#feed(first, input, over);
    this.#fed.catch((error: unknown) => this.stream.destroy(error as Error));
  }

  /** The bytes after the stream that were read with it; undefined for none. Call it after the stream's end. */
  async rest(): Promise<Uint8Array | undefined> {
    await this.#fed;
    const after = this.#written - this.stream.bytesWritten;
    return after > 0 ? this.#last.subarray(this.#last.length - after) : undefined;
  }

  async #feed(first: Uint8Array, input: AsyncIterator<Uint8Array>, over: Promise<void>): Promise<void> {
    for (let chunk: Uint8Array | undefined = first; chunk !== undefined; chunk = await nextChunk(input)) {
      const now = chunk;
      this.#written += now.length;
      this.#last = now;
      // A stream may end without calling back for a write whose bytes it leaves unread.
      const accepted = new Promise<void>((resolve) => this.stream.write(now, () => resolve()));
      await Promise.race([over, accepted]);
      if (this.stream.bytesWritten < this.#written) return;
    }
    this.stream.end();
  }
}

async function nextChunk(input: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  for (;;) {
    const { done, value } = await input.next();
    if (done) return undefined;
    if (value.length > 0) return value;
  }
}
