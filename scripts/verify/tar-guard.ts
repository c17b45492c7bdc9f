import { Transform, type TransformCallback } from 'node:stream';
import { type ImageBudget, TarParser } from './tar.ts';

/**
 * Passes a tar to an extractor while it stays within the limits: at most `most` bytes, members and names within
 * `budget` (shared by the layers of an image), and no header that would have to be held in memory. Otherwise the stream
 * fails with the message of `verify` before the extractor sees the offending bytes.
 */
export class TarGuard extends Transform {
  readonly #reader: TarParser;
  #left: number;

  constructor(budget: ImageBudget, most: number) {
    super();
    this.#reader = new TarParser(budget, false);
    this.#left = most;
  }

  override _transform(chunk: Uint8Array, _: BufferEncoding, done: TransformCallback): void {
    this.#left -= chunk.length;
    done(
      this.#problem(() => this.#reader.push(chunk)),
      chunk,
    );
  }

  override _flush(done: TransformCallback): void {
    done(this.#problem(() => this.#reader.end()));
  }

  #problem(action: () => void): Error | null {
    if (this.#left < 0) return new Error('a layer holds far more bytes than its size suggests');
    try {
      action();
      return null;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
