import { createGunzip, createInflate } from 'node:zlib';
import { type ByteSource, headOf, Unreadable } from './source.ts';

/** Bytes of the first read and of the first one after a skip; each further one doubles, up to `widest`. */
const narrowest = 64 * 1024;
const widest = 1024 ** 2;
/** Bytes read of one file, or that it may decompress to, before it counts as one that says nothing. */
const mostRead = 256 * 1024 ** 2;

/** Where a cursor's bytes come from, in order. */
interface Feed {
  /** The next bytes; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  /** Leaves out bytes. */
  skip(count: number): Promise<void>;
}

/** Reads a file from its first byte on; bytes that are skipped are not read where the file is not compressed. */
export class Cursor {
  readonly #feed: Feed;
  #window: Buffer = Buffer.alloc(0);
  #at = 0;

  private constructor(feed: Feed) {
    this.#feed = feed;
  }

  /** A cursor at a file's start, of its content where the file is a zlib or gzip stream (`joblib.dump(compress=…)`). */
  static async open(source: ByteSource): Promise<Cursor> {
    const [first = 0, second = 0] = await headOf(source, 2);
    const isZlib = first === 0x78 && (first * 256 + second) % 31 === 0;
    const isGzip = first === 0x1f && second === 0x8b;
    if (!isZlib && !isGzip) return new Cursor(new FileFeed(source));
    return new Cursor(new InflatedFeed(source, isZlib ? createInflate() : createGunzip()));
  }

  /** Whether `take(count)` can be called. */
  has(count: number): boolean {
    return this.#window.length - this.#at >= count;
  }

  /** Bytes that `has` confirmed or `fill` brought. */
  take(count: number): Buffer {
    this.#at += count;
    return this.#window.subarray(this.#at - count, this.#at);
  }

  /** The next byte, after `has(1)` or `fill(1)`. */
  byte(): number {
    return this.#window[this.#at++] ?? 0;
  }

  /** Makes bytes available; throws Unreadable where the file ends before. */
  async fill(count: number): Promise<void> {
    while (!this.has(count)) {
      const next = await this.#feed.next();
      if (next === undefined) throw new Unreadable('it ends too early');
      const rest = this.#window.subarray(this.#at);
      this.#window = rest.length === 0 ? Buffer.from(next) : Buffer.concat([rest, next]);
      this.#at = 0;
    }
  }

  /** The next bytes; throws Unreadable where the file ends before. */
  async read(count: number): Promise<Buffer> {
    await this.fill(count);
    return this.take(count);
  }

  /** Leaves out bytes. */
  async skip(count: number): Promise<void> {
    const here = Math.min(count, this.#window.length - this.#at);
    this.#at += here;
    if (count > here) await this.#feed.skip(count - here);
  }

  /** The text up to the next line feed, which is left out; at most `most` bytes of it. */
  async line(most: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let kept = 0;
    for (;;) {
      await this.fill(1);
      const end = this.#window.indexOf(0x0a, this.#at);
      const part = this.#window.subarray(this.#at, end === -1 ? undefined : end);
      if (kept < most) parts.push(Buffer.from(part.subarray(0, most - kept)));
      kept += part.length;
      this.#at = end === -1 ? this.#window.length : end + 1;
      if (end !== -1) return parts.length === 1 ? (parts[0] ?? part) : Buffer.concat(parts);
    }
  }
}

class FileFeed implements Feed {
  readonly #source: ByteSource;
  #offset = 0;
  #width = narrowest;
  #read = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async next(): Promise<Uint8Array | undefined> {
    const length = Math.min(this.#width, this.#source.size - this.#offset);
    if (length <= 0) return undefined;
    const bytes = await this.#source.read(this.#offset, length);
    if (bytes.length === 0) return undefined;
    this.#offset += bytes.length;
    this.#read += bytes.length;
    if (this.#read > mostRead) throw new Unreadable('too much of it would have to be read');
    this.#width = Math.min(widest, 2 * this.#width);
    return bytes;
  }

  async skip(count: number): Promise<void> {
    this.#offset += count;
    this.#width = narrowest;
    if (this.#offset > this.#source.size) throw new Unreadable('it ends too early');
  }
}

class InflatedFeed implements Feed {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array | undefined;
  #out = 0;

  constructor(source: ByteSource, inflate: NodeJS.ReadWriteStream) {
    this.#chunks = inflated(new FileFeed(source), inflate)[Symbol.asyncIterator]();
  }

  async next(): Promise<Uint8Array | undefined> {
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) return rest;
    const result = await this.#chunks.next();
    if (result.done) return undefined;
    this.#out += result.value.length;
    if (this.#out > mostRead) throw new Unreadable('it unpacks to too much');
    return result.value;
  }

  async skip(count: number): Promise<void> {
    let left = count;
    while (left > 0) {
      const bytes = await this.next();
      if (bytes === undefined) throw new Unreadable('it ends too early');
      if (bytes.length > left) this.#rest = bytes.subarray(left);
      left -= bytes.length;
    }
  }
}

/** The content of a compressed stream, in chunks, reading only as far as it is asked for. */
async function* inflated(feed: Feed, inflate: NodeJS.ReadWriteStream): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  const bytes = async function* () {
    try {
      for (let next = await feed.next(); next !== undefined; next = await feed.next()) yield next;
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  const { pipeline } = await import('node:stream/promises');
  const flow = pipeline(bytes, inflate).catch(() => undefined);
  try {
    for await (const chunk of inflate) yield chunk as unknown as Uint8Array;
  } catch {
    // Damaged, cut short, or the source's own error.
    throw failure ?? new Unreadable('it cannot be unpacked');
  } finally {
    if ('destroy' in inflate && typeof inflate.destroy === 'function') inflate.destroy();
    await flow;
  }
}
