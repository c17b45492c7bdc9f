import { recycle, streamBuffers } from '../memory/stream-buffers.ts';
import { type ImageBudget, type Member, TarParser } from './tar.ts';

/** A member of a tar that is being read. */
export interface ReadMember {
  member: Member;
  /** Of its content's first byte in the tar. */
  offset: number;
  /** Its bytes, which can be read until the next member is asked for; the receiver may recycle the chunks. */
  content: AsyncIterable<Uint8Array>;
}

export interface ReadMembersOptions {
  budget: ImageBudget;
  /** Bytes that the tar may have. */
  most: number;
  /** What is thrown for an error, such as a BrokenTar. */
  failed?(error: unknown): unknown;
}

/**
 * The members of a tar, in order, read as far as they are asked for. Fails with BrokenTar, and with the errors of `tar`,
 * which is closed in any case.
 */
export async function* readMembers(
  tar: AsyncIterable<Uint8Array>,
  { budget, most, failed = (error) => error }: ReadMembersOptions,
): AsyncGenerator<ReadMember> {
  const steps = new TarSteps(tar, budget, most);
  async function* content(): AsyncGenerator<Uint8Array> {
    try {
      for (let part = await steps.content(); part !== undefined; part = await steps.content()) yield part;
    } catch (error) {
      throw failed(error);
    }
  }
  try {
    for (let next = await steps.member(); next !== undefined; next = await steps.member())
      yield { ...next, content: content() };
  } catch (error) {
    throw failed(error);
  } finally {
    await steps.close();
  }
}

type Begin = Pick<ReadMember, 'member' | 'offset'>;
type Step = Begin | { part: Uint8Array };

/** Members and content of a tar, step by step. */
class TarSteps {
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
