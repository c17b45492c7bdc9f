import { cancelled, ModelcarsError } from '../../errors.ts';
import type { MemoryBudget } from '../../memory/budget.ts';
import { readAhead } from '../../memory/shares.ts';
import { recycle, streamBufferSize } from '../../memory/stream-buffers.ts';
import type { ChunkSink } from '../bulk/connection.ts';
import { RequestFailure } from '../failure.ts';
import { defaultRetry, Retries, type RetryOptions } from '../retry.ts';
import { PartialChunk } from './partial-chunk.ts';

export interface RangesOptions {
  /** Start of error messages: "read hf://org/model: model.safetensors". */
  what: string;
  /** Size of the whole file in bytes. */
  size: number;
  /** First byte wanted; 0 by default. */
  offset?: number;
  /**
   * Passes the bytes from `start` up to but not including `end` to `take`, and returns when all have arrived. A
   * retryable RequestFailure is retried, as are bytes that end early; any other error ends the reading.
   */
  receive(start: number, end: number, take: ChunkSink, signal: AbortSignal): Promise<void>;
  /** Concurrent ranges; 10 by default. */
  connections?: number;
  /** Bytes per range; 4 MiB by default. */
  chunk?: number;
  signal?: AbortSignal | undefined;
  /** Seven tries without a new byte, 1 s before the second, by default. */
  retry?: RetryOptions;
  /** Called before each retry with one line for the log. */
  onRetry?: ((message: string) => void) | undefined;
  /** The memory for ranges read ahead; one budget per process by default. */
  budget?: MemoryBudget;
}

/** Bytes that a range without room in the budget may be ahead of its reader. */
const shortLead = streamBufferSize;

/**
 * Default bytes per range: larger ranges pay a request's latency less often, and of smaller ones more fit in memory.
 */
export const rangeSize = 4 * 1024 ** 2;

/**
 * Reads a large file in order, as several concurrent ranges, whose receiver may recycle the chunks. Memory is bounded
 * across all reads of this process: a range read ahead first gets room in the budget for all its bytes. The range
 * needed next always starts; without room it goes only as fast as it is taken, so that no reader waits for another. A
 * broken range resumes at the byte it had reached. When the reader stops early, all requests end.
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

/** The bytes of one request. */
interface Range {
  /** The next byte to arrive. */
  at: number;
  end: number;
  /** Arrived, not yet taken. */
  chunks: Uint8Array[];
  /** Being filled; goes to the end of `chunks` when full. */
  filling: PartialChunk | undefined;
  /** Bytes in `chunks`. */
  lead: number;
  /** Bytes of the budget not yet released. */
  reserved: number;
  /** Whether it got room for all its bytes, so that it need not wait for its reader. */
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
  /** The first byte after the last range. */
  #planned: number;
  /** Withdraws the pending request to the budget. */
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
        first.lead -= chunk.length;
        this.#giveBack(first, Math.min(first.reserved, chunk.length));
        if (!first.roomy) this.#notify();
        return chunk;
      }
      await this.#change;
    }
  }

  /** Ends all requests and releases all room. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#fail(cancelled());
    await Promise.all(this.#running);
    for (const range of this.#ranges) {
      for (const chunk of range.chunks) recycle(chunk);
      this.#giveBack(range, range.reserved);
    }
    this.#ranges.length = 0;
  }

  /** Starts ranges as far as connections and budget allow; the range needed next in any case. */
  #startMore(): void {
    const { size } = this.#options;
    while (this.#planned < size && this.#running.size < this.#connections && this.#withdraw === undefined) {
      let answered = false;
      const room = Math.min(this.#chunk, size - this.#planned);
      const withdraw = this.#budget.ask(room, () => {
        answered = true;
        this.#withdraw = undefined;
        this.#start(room);
        // Deferred, so that it does not run inside the budget's loop.
        if (this.#withdraw === undefined) queueMicrotask(() => this.#failure ?? this.#startMore());
      });
      if (!answered) this.#withdraw = withdraw;
    }
    if (this.#ranges.length === 0 && this.#planned < size) this.#start(0);
  }

  /** Starts the next range with this much room in the budget. */
  #start(room: number): void {
    const at = this.#planned;
    const end = Math.min(at + this.#chunk, this.#options.size);
    // The grant may come after its range has started without room.
    if (room > end - at) this.#budget.release(room - (end - at));
    if (end === at) return;
    this.#planned = end;
    const reserved = Math.min(room, end - at);
    const range: Range = {
      at,
      end,
      chunks: [],
      filling: undefined,
      lead: 0,
      reserved,
      roomy: reserved === end - at,
      done: false,
    };
    this.#ranges.push(range);
    const running: Promise<void> = this.#fetch(range).then(() => {
      range.done = true;
      this.#running.delete(running);
      // Not only when the reader asks: it may be slow while the budget has room.
      if (!this.#failure) this.#startMore();
      this.#notify();
    });
    this.#running.add(running);
  }

  /** Reads a range, with retries. Never rejects. */
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
    const room = () => (range.at < range.end && !this.#failure ? fillingOf(range).room : undefined);
    await receive(range.at, range.end, Object.assign(take, { room }), this.#stop.signal);
    if (range.at === range.end || this.#failure) return;
    throw new RequestFailure(`${what}: the answer ended ${range.end - range.at} bytes early`, {
      code: 'network',
      retryable: true,
      next: 'run the command again',
    });
  }

  /** Takes the bytes of a connection; returns a promise when that must wait until the reader has caught up. */
  #take(range: Range, chunk: Uint8Array): Promise<void> | undefined {
    if (this.#failure) return;
    if (chunk.length > range.end - range.at)
      throw new ModelcarsError('source', `${this.#options.what}: more bytes came than were asked for`);
    for (let rest = chunk; rest.length > 0; ) rest = rest.subarray(this.#copy(range, rest));
    return range.roomy || range.lead < shortLead ? undefined : this.#untilTaken(range);
  }

  async #untilTaken(range: Range): Promise<void> {
    while (range.lead >= shortLead && !this.#failure) await this.#change;
  }

  /** Takes as much of a chunk as fits into the one being filled; returns the number of bytes. */
  #copy(range: Range, chunk: Uint8Array): number {
    const filling = fillingOf(range);
    const taken = filling.take(chunk);
    range.at += taken;
    if (filling.isFull) {
      range.filling = undefined;
      range.lead += filling.bytes.length;
      range.chunks.push(filling.bytes);
      this.#notify();
    }
    return taken;
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

  /** Wakes everything that waits for a change. */
  #notify(): void {
    this.#wake();
    this.#change = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** The chunk of a range to fill next; the range must not be at its end. */
function fillingOf(range: Range): PartialChunk {
  range.filling ??= new PartialChunk(range.end - range.at);
  return range.filling;
}

function stoppedBy(signal: AbortSignal | undefined): ModelcarsError {
  const reason: unknown = signal?.reason;
  return reason instanceof ModelcarsError ? reason : cancelled(reason);
}
