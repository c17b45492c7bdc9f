import { ModelcarsError } from '../../errors.ts';
import { drop, headerOf } from '../../http/body.ts';
import { type ChunkSink, ConnectionLost } from '../../http/bulk/connection.ts';
import type { ResponseHead } from '../../http/bulk/head.ts';
import { pour } from '../../http/client.ts';
import { networkFailure } from '../../http/failure.ts';
import { parallelRanges } from '../../http/ranges/read.ts';
import { readAhead } from '../../memory/shares.ts';
import { registryAdvice } from '../failure.ts';
import { type BlobRequest, getBlob, headersFor, otherRange, readRange } from './blob-request.ts';

const mebibyte = 1024 ** 2;
/** Bytes of a range: larger ranges pay a request's latency less often, and of smaller ones more fit in memory. */
const rangeBytes = 8 * mebibyte;
/** Ranges at a time for one blob, of which several may be read at once. */
const connections = 4;

/**
 * Bytes per second of a connection that no limit holds. A second one then only bridges the time between two requests,
 * and each more costs CPU time.
 */
const fast = 200e6;

/** Thrown where the rest of a blob has to come by one response: the registry serves no ranges. */
export class OneResponse extends Error {}

/** Whether so many bytes of a blob are worth ranges; not without the memory to read one range ahead. */
export function isWorthRanges(bytes: number): boolean {
  return bytes >= 4 * rangeBytes && readAhead.size >= rangeBytes;
}

/**
 * A blob's bytes from `offset`, in order, as ranges (RFC 9110 section 14): the first by itself, to see how fast a
 * connection is, and since a reader of nothing but the start of a blob stops there; then several at once. Their receiver
 * may recycle the chunks. Throws OneResponse.
 */
export async function* blobRanges(
  options: BlobRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { descriptor, offset } = options;
  const ranges = new BlobRanges(options, signal);
  const first = Math.min(offset + rangeBytes, descriptor.size);
  yield* ranges.read(offset, first, 1);
  const isFast = (first - offset) / ranges.seconds > fast;
  yield* ranges.read(first, descriptor.size, isFast ? 2 : connections);
}

/** Reads ranges of a blob from where the registry led to. */
class BlobRanges {
  /** Seconds that ranges took to arrive, from the heads of their responses. */
  seconds = 0;
  readonly #options: BlobRequest;
  readonly #signal: AbortSignal | undefined;
  /** The URL of the last response, after redirects. It may expire. */
  #url: URL | undefined;

  constructor(options: BlobRequest, signal: AbortSignal | undefined) {
    this.#options = options;
    this.#signal = signal;
  }

  read(offset: number, size: number, connections: number): AsyncGenerator<Uint8Array> {
    const { host, what } = this.#options;
    return parallelRanges({
      what,
      offset,
      size,
      chunk: rangeBytes,
      connections,
      retry: host.retry,
      onRetry: host.onRetry,
      signal: this.#signal,
      receive: (start, end, take, stop) => this.#receive(start, end, take, stop),
    });
  }

  async #receive(start: number, end: number, take: ChunkSink, signal: AbortSignal): Promise<void> {
    const { host, what } = this.#options;
    try {
      if (await this.#receiveAgain(start, end, take, signal)) return;
      // Tried once: parallelRanges tries again, from the byte that a range has reached.
      const range = `${start}-${end - 1}`;
      const { answer, url } = await getBlob(this.#options, { range, once: true, signal });
      try {
        if (answer.statusCode === 200) throw new OneResponse();
        this.#check(headerOf(answer, 'content-range'), start, end);
        this.#url = url;
        const began = performance.now();
        await pour(answer.body, take);
        this.seconds += (performance.now() - began) / 1000;
      } finally {
        drop(answer);
      }
    } catch (error) {
      if (error instanceof ModelcarsError || error instanceof OneResponse) throw error;
      const cause = error instanceof ConnectionLost ? error.cause : error;
      throw networkFailure(what, host.registry, cause, registryAdvice);
    }
  }

  /** Receives a range from where the last one came, without asking the registry; false where that does not work. */
  async #receiveAgain(start: number, end: number, take: ChunkSink, signal: AbortSignal): Promise<boolean> {
    const url = this.#url;
    if (url === undefined) return false;
    const { host, access } = this.#options;
    const headers = headersFor(`${start}-${end - 1}`);
    const look = (head: ResponseHead) => this.#check(head.headers['content-range'], start, end);
    const request = { url, access, headers, expect: [206], signal, look, take };
    if (await host.receive(request)) return true;
    this.#url = undefined;
    return false;
  }

  #check(contentRange: string | undefined, start: number, end: number): void {
    const { what, descriptor } = this.#options;
    const range = readRange(contentRange);
    if (range?.start !== start || range.end !== end) throw otherRange(this.#options);
    const { total = descriptor.size } = range;
    if (total !== descriptor.size)
      throw new ModelcarsError('integrity', `${what}: it has ${total} bytes, not ${descriptor.size}`);
  }
}
