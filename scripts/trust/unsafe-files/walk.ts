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
  /** Whether the walk has the chunk that `#taken` is about. */
  #isGiven = false;
  #taken: (() => void) | undefined;
  #wanted: ((chunk: Uint8Array | undefined) => void) | undefined;
  /** Bytes that the walk passes without looking at them, and the end of that. */
  #left = 0;
  #passed: ((isComplete: boolean) => void) | undefined;

  /** `path` below /models and `size` in bytes. */
  constructor(path: string, size: number) {
    const stream = new ByteStream(
      () => this.#next(),
      (count) => this.#pass(count),
    );
    const place = { name: path, size, facts: this.#facts, isKnown: isKnownText, depth: 0 };
    this.#walk = walkContent(stream, place).finally(() => {
      this.#isOver = true;
      this.#taken?.();
      this.#wanted?.(undefined);
    });
    // Reported by `push` and `end`.
    this.#walk.catch(() => undefined);
  }

  /** Whether the rest of the file changes nothing. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Takes the next bytes. Callers wait for the promise, if there is one, before they push again or let the bytes change.
   */
  push(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#isOver) return undefined;
    const passed = Math.min(this.#left, chunk.length);
    this.#left -= passed;
    if (passed > 0 && this.#left === 0) this.#endPass(true);
    if (passed === chunk.length) return undefined;
    this.#chunk = chunk.subarray(passed);
    const taken = new Promise<void>((resolve) => {
      this.#taken = resolve;
    });
    if (this.#wanted !== undefined) this.#give();
    return taken;
  }

  /** What was found; call it after the last byte. */
  async end(): Promise<Facts> {
    this.#isEnded = true;
    this.#endPass(false);
    this.#wanted?.(undefined);
    await this.#walk;
    return this.#facts.all();
  }

  #endPass(isComplete: boolean): void {
    this.#passed?.(isComplete);
    this.#passed = undefined;
  }

  /** Large arrays and tensors pass without waking the walk for each chunk. */
  async #pass(count: number): Promise<boolean> {
    this.#release();
    // A chunk that came before the walk could ask for it.
    const here = this.#chunk?.subarray(0, count).length ?? 0;
    if (this.#chunk !== undefined && here > 0) {
      this.#chunk = here < this.#chunk.length ? this.#chunk.subarray(here) : undefined;
      if (this.#chunk === undefined) this.#taken?.();
      if (here === count) return true;
    }
    if (this.#isEnded) return false;
    this.#left = count - here;
    return await new Promise((resolve) => {
      this.#passed = resolve;
    });
  }

  async #next(): Promise<Uint8Array | undefined> {
    this.#release();
    if (this.#isOver) return undefined;
    if (this.#isEnded && this.#chunk === undefined) return undefined;
    return await new Promise((resolve) => {
      this.#wanted = resolve;
      if (this.#chunk !== undefined) this.#give();
    });
  }

  /** The chunk before is done with. */
  #release(): void {
    if (!this.#isGiven) return;
    this.#isGiven = false;
    this.#taken?.();
    this.#taken = undefined;
  }

  #give(): void {
    const [chunk, wanted] = [this.#chunk, this.#wanted];
    this.#chunk = undefined;
    this.#wanted = undefined;
    this.#isGiven = true;
    wanted?.(chunk);
  }
}
