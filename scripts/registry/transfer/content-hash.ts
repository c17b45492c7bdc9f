import { ModelcarsError } from '../../errors.ts';
import { type StreamHash, streamHash } from '../../hashing/stream-hash.ts';
import type { Content, Digest } from '../../image/types.ts';
import { recycle } from '../../memory/stream-buffers.ts';

/**
 * The digest of content that is read in parts, some of them more than once: bytes before the high-water mark are not
 * hashed again, so that a resumed upload need not read sent bytes again for the digest.
 */
export class ContentHash {
  readonly #content: Content;
  readonly #what: string;
  readonly #hash: StreamHash;
  #hashed = 0;
  #end: number | undefined;
  #digest: Digest | undefined;

  constructor(content: Content, what: string) {
    this.#content = content;
    this.#what = what;
    this.#end = content.size;
    this.#hash = streamHash(content.size);
  }

  /** Size of the whole in bytes; undefined until known. */
  get size(): number | undefined {
    return this.#end;
  }

  /**
   * Reads at most `limit` bytes from `offset` and hashes them. Fails with an `integrity` error, before the last byte is
   * returned, when they are more or fewer than the size of the content, or when the whole has another digest than the
   * content.
   */
  async *read(offset: number, limit: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    let position = offset;
    let held: Uint8Array | undefined;
    const stop = offset + limit;
    for await (const chunk of this.#content.open(offset, signal)) {
      if (chunk.length === 0) continue;
      if (held) yield held;
      if (this.#end !== undefined && position + chunk.length > this.#end) {
        throw this.#sizeError(`at least ${position + chunk.length}`);
      }
      held = position + chunk.length > stop ? chunk.subarray(0, stop - position) : chunk;
      const behind = this.#update(held, position);
      if (behind) await behind;
      position += held.length;
      // A part ends without reading further, unless it ends with the whole: then no byte must follow.
      if (position === stop && stop !== this.#end) break;
    }
    if (position < stop) {
      if (this.#end !== undefined && position !== this.#end) throw this.#sizeError(`${position}`);
      this.#end = position;
    }
    if (position === this.#end) await this.#check();
    if (held) yield held;
  }

  /** Bytes hashed from the start; a registry cannot have more. */
  get hashed(): number {
    return this.#hashed;
  }

  /** The digest of the whole; reads the bytes not hashed yet. Fails with a ContentFailure. */
  async finish(signal?: AbortSignal): Promise<Digest> {
    try {
      if (this.#end === undefined || this.#hashed < this.#end) {
        for await (const chunk of this.read(this.#hashed, Number.POSITIVE_INFINITY, signal)) recycle(chunk);
      }
      return await this.#check();
    } catch (error) {
      throw new ContentFailure(error);
    }
  }

  #update(chunk: Uint8Array, position: number): Promise<void> | undefined {
    const known = this.#hashed - position;
    if (known >= chunk.length) return undefined;
    this.#hashed = position + chunk.length;
    return this.#hash.update(known > 0 ? chunk.subarray(known) : chunk);
  }

  async #check(): Promise<Digest> {
    this.#digest ??= `sha256:${await this.#hash.digest()}`;
    const expected = this.#content.digest;
    if (expected === undefined || expected === this.#digest) return this.#digest;
    throw new ModelcarsError(
      'integrity',
      `${this.#what}: its bytes have digest ${this.#digest}, not ${expected}`,
    );
  }

  #sizeError(bytes: string): ModelcarsError {
    return new ModelcarsError('integrity', `${this.#what}: it has ${bytes} bytes, not ${this.#end}`);
  }
}

/** Wraps an error of the content, so that an upload does not take it for the registry's failure. */
export class ContentFailure extends Error {
  constructor(cause: unknown) {
    super('the content failed', { cause });
  }
}
