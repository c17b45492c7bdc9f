import { cancelled, ModelcarsError } from '../../errors.ts';
import { chunkLifetime } from '../../image/types.ts';
import type { ChunkSink } from '../bulk/connection.ts';
import { RequestFailure } from '../failure.ts';
import { defaultRetry, Retries, type RetryOptions } from '../retry.ts';
import { newRangeBuffer, type RangeBuffer, rangeBufferSize, rangeBuffers, roomOf } from './buffers.ts';
import { MemoryBudget } from './memory-budget.ts';

export interface RangesOptions {
  /** How an error begins: "read hf://org/model: model.safetensors". */
  what: string;
  /** Bytes of the whole. */
  size: number;
  /** First byte wanted; 0 by default. */
  offset?: number;
  /**
   * Gives the bytes from `start` up to `end`, without it, to `take`, and returns when all have come. A RequestFailure that is
   * retryable is tried again, as are bytes that end too early; anything else that it throws ends the reading.
   */
  receive(start: number, end: number, take: ChunkSink, signal: AbortSignal): Promise<void>;
  /** Ranges under way at the same time; 10 by default. */
  connections?: number;
  /** Bytes of a range; 4 MiB by default. */
  chunk?: number;
  signal?: AbortSignal | undefined;
  /** Seven tries without a new byte, 1 s before the second, by default. */
  retry?: RetryOptions;
  /** Called before each new try with one line for the log. */
  onRetry?: ((message: string) => void) | undefined;
  /** Where room for ranges that are read ahead comes from; one budget for all of this process by default. */
  budget?: MemoryBudget;
}

/** Room for ranges that are read ahead, of all files of this process. */
const readAhead = new MemoryBudget(48 * 1024 ** 2);
/** Bytes that a range without room in the budget may run ahead of its reader. */
const shortLead = rangeBufferSize;

/** Bytes of a range by default: the larger, the less a request's latency weighs; the smaller, the more fit in memory. */
export const rangeSize = 4 * 1024 ** 2;

/**
 * The bytes of something large in order, read as several ranges at once. A chunk is good while `chunkLifetime` more are
 * taken. Memory is bounded over all that is read in this process: a range that is read ahead first gets room in the budget for all of it. The range that is needed next always
 * may go; without room it goes only as fast as it is taken, so that no reader ever waits for another. A range that
 * breaks is taken up at the byte it had got to. Whoever stops reading ends all requests.
 */
export async function* parallelRanges(options: RangesOptions): AsyncGenerator<Uint8Array> {
  const reader = new RangeReader(options);
  try {
    for (;;) {
      const chunk = await reader.next();
      if (chunk === undefined) return;
      yield chunk;
    }
  } finally {
    await reader.close();
  }
}

/** One request's worth of bytes. */
interface Range {
  /** The next byte to arrive. */
  at: number;
  end: number;
  /** Arrived and not taken. */
  chunks: Uint8Array[];
  /** Being filled, the last of `chunks` to be. */
  piece: RangeBuffer | undefined;
  /** Bytes in `chunks`. */
  lead: number;
  /** Bytes of the budget that were not given back yet. */
  reserved: number;
  /** Whether it got room for all of it, and need not wait for its reader. */
  roomy: boolean;
  done: boolean;
}

class RangeReader {
  readonly #options: RangesOptions;
  readonly #budget: MemoryBudget;
  readonly #connections: number;
  readonly #chunk: number;
  readonly #stop = new AbortController();
  /** In order, without gaps; the first is being taken. */
  readonly #ranges: Range[] = [];
  readonly #running = new Set<Promise<void>>();
  /** Chunks that the reader may still look at, the oldest first. */
  readonly #given: Uint8Array[] = [];
  /** The first byte of the range after the last. */
  #planned: number;
  /** While a question to the budget is open. */
  #withdraw: (() => void) | undefined;
  #failure: { error: unknown } | undefined;
  #wake = () => {};
  #change = Promise.resolve();
  readonly #onAbort = () => this.#fail(stoppedBy(this.#options.signal));

  constructor(options: RangesOptions) {
    this.#options = options;
    this.#budget = options.budget ?? readAhead;
    this.#connections = options.connections ?? 10;
    this.#chunk = options.chunk ?? rangeSize;
    this.#planned = options.offset ?? 0;
    this.#notify();
    if (options.signal?.aborted) this.#onAbort();
    else options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The next bytes in order; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const [first] = this.#ranges;
      if (first?.done && first.chunks.length === 0) {
        this.#ranges.shift();
        this.#giveBack(first, first.reserved);
        continue;
      }
      this.#startMore();
      if (this.#ranges.length === 0) return undefined;
      const chunk = first?.chunks.shift();
      if (first !== undefined && chunk !== undefined) {
        this.#given.push(chunk);
        if (this.#given.length > chunkLifetime + 1) rangeBuffers.put(this.#given.shift());
        first.lead -= chunk.length;
        this.#giveBack(first, Math.min(first.reserved, chunk.length));
        if (!first.roomy) this.#notify();
        return chunk;
      }
      await this.#change;
    }
  }

  /** Ends all requests and gives all room back. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#fail(cancelled());
    await Promise.all(this.#running);
    for (const range of this.#ranges) {
      for (const chunk of range.chunks) rangeBuffers.put(chunk);
      this.#giveBack(range, range.reserved);
    }
    this.#ranges.length = 0;
  }

  /** Begins ranges as far as connections and budget allow; the one that is needed next in any case. */
  #startMore(): void {
    const { size } = this.#options;
    while (this.#planned < size && this.#running.size < this.#connections && this.#withdraw === undefined) {
      let answered = false;
      const room = Math.min(this.#chunk, size - this.#planned);
      const withdraw = this.#budget.ask(room, () => {
        answered = true;
        this.#withdraw = undefined;
        this.#start(room);
        // Later, not within the budget's own loop.
        if (this.#withdraw === undefined) queueMicrotask(() => this.#failure ?? this.#startMore());
      });
      if (!answered) this.#withdraw = withdraw;
    }
    if (this.#ranges.length === 0 && this.#planned < size) this.#start(0);
  }

  /** Begins the next range with this much room in the budget. */
  #start(room: number): void {
    const at = this.#planned;
    const end = Math.min(at + this.#chunk, this.#options.size);
    // A question may be answered after its range went without.
    if (room > end - at) this.#budget.release(room - (end - at));
    if (end === at) return;
    this.#planned = end;
    const reserved = Math.min(room, end - at);
    const range: Range = {
      at,
      end,
      chunks: [],
      piece: undefined,
      lead: 0,
      reserved,
      roomy: reserved === end - at,
      done: false,
    };
    this.#ranges.push(range);
    const running: Promise<void> = this.#fetch(range).then(() => {
      range.done = true;
      this.#running.delete(running);
      // Not only when the reader comes: it may be slow, and there may be room.
      if (!this.#failure) this.#startMore();
      this.#notify();
    });
    this.#running.add(running);
  }

  /** Reads a range, with as many tries as it takes. Never rejects. */
  async #fetch(range: Range): Promise<void> {
    const { onRetry, retry = defaultRetry } = this.#options;
    const retries = new Retries({ retry, onRetry, signal: this.#stop.signal });
    while (range.at < range.end && !this.#failure) {
      const before = range.at;
      try {
        await this.#receive(range);
      } catch (error) {
        if (this.#failure) return;
        if (range.at > before) retries.progress();
        try {
          await retries.wait(error);
        } catch (final) {
          return this.#fail(final);
        }
      }
    }
  }

  async #receive(range: Range): Promise<void> {
    const { receive, what } = this.#options;
    const take = (chunk: Uint8Array) => this.#take(range, chunk);
    const room = () => (range.at < range.end && !this.#failure ? roomOf(pieceOf(range)) : undefined);
    await receive(range.at, range.end, Object.assign(take, { room }), this.#stop.signal);
    if (range.at === range.end || this.#failure) return;
    throw new RequestFailure(`${what}: the answer ended ${range.end - range.at} bytes early`, {
      code: 'network',
      retryable: true,
      next: 'run the command again',
    });
  }

  /** Takes what a connection gives; a promise when that is to wait until the reader has come closer. */
  #take(range: Range, chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failure) return;
    if (chunk.length > range.end - range.at)
      throw new ModelcarsError('source', `${this.#options.what}: more bytes came than were asked for`);
    for (let rest = chunk; rest.length > 0; ) rest = rest.subarray(this.#keep(range, rest));
    return range.roomy || range.lead < shortLead ? undefined : this.#untilTaken(range);
  }

  async #untilTaken(range: Range): Promise<void> {
    while (range.lead >= shortLead && !this.#failure) await this.#change;
  }

  /** Takes as much of a chunk as the piece that is being filled has room for, where it does not lie there yet; returns how much. */
  #keep(range: Range, chunk: Uint8Array): number {
    const piece = pieceOf(range);
    const room = roomOf(piece);
    const taken = chunk.subarray(0, room.length);
    const isThere = taken.buffer === room.buffer && taken.byteOffset === room.byteOffset;
    if (!isThere) room.set(taken);
    piece.filled += taken.length;
    range.at += taken.length;
    if (piece.filled === piece.bytes.length) {
      range.piece = undefined;
      range.lead += piece.filled;
      range.chunks.push(piece.bytes);
      this.#notify();
    }
    return taken.length;
  }

  #giveBack(range: Range, bytes: number): void {
    if (bytes === 0) return;
    range.reserved -= bytes;
    this.#budget.release(bytes);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#withdraw?.();
    this.#withdraw = undefined;
    this.#stop.abort();
    this.#notify();
  }

  /** Wakes whoever waits for a change. */
  #notify(): void {
    this.#wake();
    this.#change = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** The piece of a range that is to be filled next; of a range that is not at its end. */
function pieceOf(range: Range): RangeBuffer {
  range.piece ??= newRangeBuffer(range.end - range.at);
  return range.piece;
}

function stoppedBy(signal: AbortSignal | undefined): ModelcarsError {
  const reason: unknown = signal?.reason;
  return reason instanceof ModelcarsError ? reason : cancelled(reason);
}
