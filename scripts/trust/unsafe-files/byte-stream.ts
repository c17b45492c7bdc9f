import { Unreadable } from '../../artifacts/source.ts';

/** Returns the next bytes, which stay valid until more are requested; undefined at the end. */
export type Feed = () => Promise<Uint8Array | undefined>;

/** Passes bytes that are not looked at; false when the stream ends before. */
export type Pass = (count: number) => Promise<boolean>;

/** Bytes copied beyond those requested where a read spans two chunks, so that the next small reads need no copy. */
const joinedMore = 256;
const nothing = Buffer.alloc(0);

/** Reads bytes forward as they arrive, without copying whole chunks. */
export class ByteStream {
  readonly #feed: Feed;
  readonly #pass: Pass | undefined;
  #window: Buffer = nothing;
  #at = 0;
  /** Offset of the window's first byte. */
  #base = 0;
  /** The rest of a chunk whose first bytes are in the window. */
  #pending: Buffer | undefined;

  constructor(feed: Feed, pass?: Pass) {
    this.#feed = feed;
    this.#pass = pass;
  }

  /** Bytes read or skipped so far. */
  get offset(): number {
    return this.#base + this.#at;
  }

  /** Whether `take(count)` can be called. */
  has(count: number): boolean {
    return this.#window.length - this.#at >= count;
  }

  /** Bytes that `has` confirmed or `fill` brought; valid until the next call. */
  take(count: number): Buffer {
    this.#at += count;
    return this.#window.subarray(this.#at - count, this.#at);
  }

  /** The next byte, after `has(1)` or `fill(1)`. */
  byte(): number {
    return this.#window[this.#at++] ?? 0;
  }

  /** The bytes that are here without waiting, without taking them. */
  here(): Buffer {
    return this.#window.subarray(this.#at);
  }

  /** Makes as many of `count` bytes available as there are; false when the stream ends before. */
  async offers(count: number): Promise<boolean> {
    while (!this.has(count)) {
      const next = this.#pending ?? (await this.#next());
      this.#pending = undefined;
      if (next === undefined) return false;
      const rest = this.#window.subarray(this.#at);
      this.#base += this.#at;
      this.#at = 0;
      if (rest.length === 0) {
        this.#window = next;
        continue;
      }
      const more = Math.min(next.length, count - rest.length + joinedMore);
      this.#window = Buffer.concat([rest, next.subarray(0, more)]);
      if (more < next.length) this.#pending = next.subarray(more);
    }
    return true;
  }

  /** Makes bytes available; throws Unreadable where the stream ends before. */
  async fill(count: number): Promise<void> {
    if (!(await this.offers(count))) throw new Unreadable('ends too early');
  }

  /** The next bytes, valid until the next call; throws Unreadable where the stream ends before. */
  async read(count: number): Promise<Buffer> {
    if (!this.has(count)) await this.fill(count);
    return this.take(count);
  }

  /** Leaves out bytes; throws Unreadable where the stream ends before. */
  async skip(count: number): Promise<void> {
    let left = count;
    while (left > 0) {
      const isHere = this.has(1) || this.#pending !== undefined;
      if (!isHere && this.#pass !== undefined) {
        if (!(await this.#pass(left))) throw new Unreadable('ends too early');
        this.#base += left;
        return;
      }
      const bytes = await this.chunk(left);
      if (bytes === undefined) throw new Unreadable('ends too early');
      left -= bytes.length;
    }
  }

  /** From 1 to `most` bytes, whatever is here; undefined at the end. */
  async chunk(most: number): Promise<Buffer | undefined> {
    if (!this.has(1) && !(await this.offers(1))) return undefined;
    return this.take(Math.min(most, this.#window.length - this.#at));
  }

  /** Returns bytes of the last `chunk` to the stream. */
  back(count: number): void {
    this.#at -= count;
  }

  /** The text up to the next line feed, which is left out. Throws Unreadable beyond `most` bytes. */
  async line(most: number): Promise<string> {
    let text = '';
    for (;;) {
      await this.fill(1);
      const end = this.#window.indexOf(0x0a, this.#at);
      const part = this.#window.subarray(this.#at, end === -1 ? undefined : end);
      if (text.length + part.length > most) throw new Unreadable('has a line that is too long');
      text += part.toString('latin1');
      this.#at += part.length + (end === -1 ? 0 : 1);
      if (end !== -1) return text;
    }
  }

  /** Fails unless the stream ends here; `what` completes "has … after …". */
  async mustEnd(what: string): Promise<void> {
    if (await this.offers(1)) throw new Unreadable(`has more bytes after ${what}, at offset ${this.offset}`);
  }

  async drain(): Promise<void> {
    while ((await this.chunk(Number.POSITIVE_INFINITY)) !== undefined);
  }

  async #next(): Promise<Buffer | undefined> {
    // What is left of the last chunk is not valid any more once another one is requested.
    if (this.has(1)) {
      this.#window = Buffer.from(this.#window.subarray(this.#at));
      this.#base += this.#at;
      this.#at = 0;
    }
    for (;;) {
      const next = await this.#feed();
      if (next === undefined) return undefined;
      if (next.length > 0) return Buffer.from(next.buffer, next.byteOffset, next.length);
    }
  }
}

/** The next `size` bytes of a stream as a stream of their own. */
export function part(stream: ByteStream, size: number): ByteStream {
  let left = size;
  const next = async () => {
    if (left === 0) return undefined;
    const bytes = await stream.chunk(left);
    if (bytes === undefined) throw new Unreadable('ends too early');
    left -= bytes.length;
    return bytes;
  };
  return new ByteStream(next, async (count) => {
    if (count > left) return false;
    left -= count;
    await stream.skip(count);
    return true;
  });
}
