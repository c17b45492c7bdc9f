import { ByteStream } from './byte-stream.ts';
import { walkContent } from './content.ts';
import { type Facts, FactsSoFar } from './facts.ts';
import { isKnownText } from './imports/known.ts';

/**
 * Walks one file while its bytes stream past. Pure: reads no file, runs nothing, and keeps a few megabytes whatever the
 * file's size.
 */
export class FileWalk {
  readonly #walk: Promise<void>;
  readonly #facts = new FactsSoFar();
  #isOver = false;
  #isEnded = false;
  /** A chunk that was pushed and is not taken yet. */
  #chunk: Uint8Array | undefined;
  #taken: (() => void) | undefined;
  #wanted: ((chunk: Uint8Array | undefined) => void) | undefined;

  /** `path` below /models and `size` in bytes. */
  constructor(path: string, size: number) {
    const stream = new ByteStream(() => this.#next());
    const place = { name: path, size, facts: this.#facts, isKnown: isKnownText, depth: 0 };
    this.#walk = walkContent(stream, place).finally(() => {
      this.#isOver = true;
      this.#taken?.();
      this.#wanted?.(undefined);
    });
    // Reported by `push` and `end`.
    this.#walk.catch(() => undefined);
  }

  /** Takes the next bytes; once it resolves, they are no longer needed but for a few, which stay so until the next push. */
  async push(chunk: Uint8Array): Promise<void> {
    if (this.#isOver || chunk.length === 0) return;
    const taken = new Promise<void>((resolve) => {
      this.#taken = resolve;
    });
    this.#chunk = chunk;
    if (this.#wanted !== undefined) this.#give();
    await taken;
  }

  /** What was found; call it after the last byte. */
  async end(): Promise<Facts> {
    this.#isEnded = true;
    this.#wanted?.(undefined);
    await this.#walk;
    return this.#facts.all();
  }

  async #next(): Promise<Uint8Array | undefined> {
    // The chunk before this one is done with.
    this.#taken?.();
    this.#taken = undefined;
    if (this.#isEnded || this.#isOver) return undefined;
    return await new Promise((resolve) => {
      this.#wanted = resolve;
      if (this.#chunk !== undefined) this.#give();
    });
  }

  #give(): void {
    const chunk = this.#chunk;
    const wanted = this.#wanted;
    this.#chunk = undefined;
    this.#wanted = undefined;
    wanted?.(chunk);
  }
}
