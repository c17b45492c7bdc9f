import { recycle, streamBuffers } from '../../memory/stream-buffers.ts';
import { type ImageBudget, type Member, TarParser } from '../../verify/tar.ts';

/** A member of a tar; `offset` is that of its content's first byte. */
export interface Begin {
  member: Member;
  offset: number;
}

type Step = Begin | { part: Uint8Array };

/** A tar's members and their content, in order, read as far as they are asked for. Fails with BrokenTar. */
export class TarSteps {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #parser: TarParser;
  /** What the current chunk has. */
  readonly #steps: Step[] = [];
  /** The step that comes next. */
  #at = 0;
  /** Undefined once a receiver has it. */
  #chunk: Uint8Array | undefined;
  #left: number;
  #ended = false;

  /** `most`: bytes that the tar may have. */
  constructor(tar: AsyncIterable<Uint8Array>, budget: ImageBudget, most: number) {
    this.#chunks = tar[Symbol.asyncIterator]();
    this.#left = most;
    this.#parser = new TarParser(budget, false, undefined, {
      member: (member, offset) => this.#steps.push({ member, offset }),
      content: (part) => this.#steps.push({ part }),
    });
  }

  /** The next member; what was not read of the current one is skipped. Undefined after the last. */
  async member(): Promise<Begin | undefined> {
    for (;;) {
      const step = await this.#peek();
      if (step === undefined) return undefined;
      this.#at++;
      if ('member' in step) return step;
    }
  }

  /** The next bytes of the current member, which belong to their receiver; undefined after the last. */
  async content(): Promise<Uint8Array | undefined> {
    const step = await this.#peek();
    if (step === undefined || 'member' in step) return undefined;
    this.#at++;
    if (step.part.length === this.#chunk?.length) {
      this.#chunk = undefined;
      return step.part;
    }
    // The chunk's memory is lent as a whole, and the next step may be in it.
    const copy = streamBuffers.take(step.part.length);
    copy.set(step.part);
    return copy;
  }

  /** Closes what the tar is read from. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #peek(): Promise<Step | undefined> {
    while (this.#at === this.#steps.length && !this.#ended) {
      if (this.#chunk !== undefined) recycle(this.#chunk);
      this.#chunk = undefined;
      this.#steps.length = 0;
      this.#at = 0;
      const { value: chunk, done } = await this.#chunks.next();
      if (done) {
        this.#parser.end();
        this.#ended = true;
        break;
      }
      this.#left -= chunk.length;
      if (this.#left < 0) throw new Error('a layer holds far more bytes than its size suggests');
      this.#chunk = chunk;
      this.#parser.push(chunk);
    }
    return this.#steps[this.#at];
  }
}
