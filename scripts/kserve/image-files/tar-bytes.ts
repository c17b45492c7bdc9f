import { ModelcarsError } from '../../errors.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../../image/types.ts';
import { decompressionLimit } from '../../verify/decompress.ts';
import { inflate } from '../../verify/inflate.ts';

/** Bytes of a read: one request of a registry brings the headers of many small files. */
const least = 64 * 1024;
/** Bytes beyond the window that are read rather than skipped: a new request costs more. */
const nearby = 512 * 1024;
/** Bytes of headers and padding that a layer may have in addition to its files. */
const tarOverhead = 256 * 1024 ** 2;

/** The bytes of a layer's tar, from any offset. */
export interface TarBytes extends AsyncDisposable {
  /** Bytes at an offset; fewer than `length` only at the end. */
  read(at: number, length: number): Promise<Buffer>;
}

/** A layer's tar, decompressed as it is read; `content` is the size of its files, as far as it is known. */
export function openTar(
  store: Pick<ImageStore, 'open'>,
  layer: Descriptor,
  content: number,
  signal: AbortSignal,
): TarBytes {
  const { mediaType } = layer;
  const isGzip = mediaType === mediaTypes.layerGzip || mediaType === mediaTypes.dockerLayerGzip;
  if (!isGzip && mediaType !== mediaTypes.layerZstd)
    return new Window((at) => store.open(layer, at, signal), nearby);
  const most = decompressionLimit(layer.size, content + tarOverhead);
  const from = (at: number) =>
    at === 0 ? unpacked(inflate(store.open(layer, 0, signal), isGzip ? 'gzip' : 'zstd', most)) : undefined;
  return new Window(from, Number.POSITIVE_INFINITY);
}

/** Reads a stream forward and keeps its last bytes; where it has to go back, or far ahead, it opens it again. */
class Window implements TarBytes {
  readonly #open: (at: number) => AsyncIterable<Uint8Array> | undefined;
  readonly #reach: number;
  #stream: AsyncIterator<Uint8Array> | undefined;
  #kept: Buffer = Buffer.alloc(0);
  /** Offset of the first kept byte. */
  #start = 0;

  /** `open` returns undefined for an offset where the stream cannot begin; `reach` is how far it is read to skip bytes. */
  constructor(open: (at: number) => AsyncIterable<Uint8Array> | undefined, reach: number) {
    this.#open = open;
    this.#reach = reach;
  }

  async read(at: number, length: number): Promise<Buffer> {
    const end = this.#start + this.#kept.length;
    if (this.#stream === undefined || at < this.#start || at > end + this.#reach) await this.#seek(at);
    while (at + length > this.#start + this.#kept.length && (await this.#more(at))) {
      // One chunk after the other.
    }
    return Buffer.from(this.#kept.subarray(at - this.#start, at - this.#start + length));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    await stream?.return?.();
  }

  async #seek(at: number): Promise<void> {
    await this[Symbol.asyncDispose]();
    const stream = this.#open(at);
    this.#start = stream === undefined ? 0 : at;
    this.#kept = Buffer.alloc(0);
    this.#stream = (stream ?? this.#open(0))?.[Symbol.asyncIterator]();
  }

  /** Takes the stream's next bytes and forgets those more than a window before `at`; false at the end. */
  async #more(at: number): Promise<boolean> {
    const next = await this.#stream?.next();
    if (next === undefined || next.done) return false;
    const forgotten = Math.min(this.#kept.length, Math.max(0, at - least - this.#start));
    this.#kept = Buffer.concat([this.#kept.subarray(forgotten), next.value]);
    this.#start += forgotten;
    return true;
  }
}

async function* unpacked(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (cause) {
    if (cause instanceof ModelcarsError) throw cause;
    throw brokenLayer(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** A layer that is not what its media type says. */
export function brokenLayer(problem: string, cause?: unknown): ModelcarsError {
  return new ModelcarsError('integrity', `read the image's files: ${problem}`, {
    next: 'run `modelcars verify`, which names the damaged layer',
    cause,
  });
}
