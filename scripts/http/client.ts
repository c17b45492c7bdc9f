import { cancelled, ModelcarsError } from '../errors.ts';
import { drop, headerOf, readBody, readRefusal } from './body.ts';
import { type ChunkSink, ConnectionLost } from './bulk/connection.ts';
import type { ResponseHead } from './bulk/head.ts';
import type { BulkPool } from './bulk/pool.ts';
import { isRetryable, networkFailure, type RequestFailure } from './failure.ts';
import { transmit } from './redirects.ts';
import { parseRetryAfter, type RetryOptions, retrying } from './retry.ts';
import type { HttpResponse, Transport } from './transport.ts';

/** A GET of something that somebody serves. */
export interface GetRequest {
  /** How an error begins: "read hf://org/model: config.json". */
  what: string;
  url: URL;
  /** Statuses to return; any other becomes the failure that `HttpOptions.refused` makes of it. */
  expect: number[];
  headers?: Record<string, string>;
  /** False: a redirect is an answer like any other. */
  follow?: boolean;
  /** Who sent us to `url`, when it was not the user; see `Send.sender`. */
  sender?: URL | undefined;
  signal?: AbortSignal | undefined;
}

/** An answer with a status that nobody asked for. */
export interface RefusedResponse {
  status: number;
  header(name: string): string | undefined;
  /** The first 64 KiB of the body, of what came within 5 s. */
  body: string;
  /** Where the answer is from, after redirects. */
  url: URL;
  /** Milliseconds to wait before the next try, if the answer says so. */
  retryAfter: number | undefined;
}

export interface HttpOptions {
  transport: Transport;
  retry: RetryOptions;
  /** Called before each new try with one line for the log. */
  onRetry?: ((message: string) => void) | undefined;
  /** The Authorization header for a URL; asked for the first URL only, and never sent to another origin. */
  authorize?(url: URL): string | undefined;
  /** Whether a redirect may lead to this URL, which is not https. */
  mayBePlain(url: URL): boolean;
  /** The failure of an unwanted answer. */
  refused(call: GetRequest, answer: RefusedResponse): RequestFailure;
}

export interface GetResponse {
  answer: HttpResponse;
  status: number;
  /** Where the answer is from, after redirects. */
  url: URL;
}

/** Status and headers of an answer whose body is to come. */
export interface ResponseInfo {
  status: number;
  header(name: string): string | undefined;
  /** Where it is from, after redirects. */
  url: URL;
}

/** A short answer, read to its end. */
export interface Document {
  bytes: Uint8Array;
  header(name: string): string | undefined;
  /** Where it is from, after redirects. */
  url: URL;
}

const headersTimeout = 60_000;

/** Reads from servers that do not know us: redirects, retries, and waiting as long as they ask for. */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #answered = new Set<string>();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * A short answer as a whole, asked for until it comes, cannot come, or has failed as often as it may. Fails with code `source`
   * when it is longer than `limit` bytes.
   */
  async read(call: GetRequest, limit: number): Promise<Document> {
    return await this.#retrying(call, async () => {
      const got = await this.getOnce(call);
      const header = (name: string) => headerOf(got.answer, name);
      const bytes = await readBody(got.answer, limit).catch((error: unknown) => {
        throw call.signal?.aborted ? cancelled(error) : networkFailure(call.what, got.url.host, error);
      });
      if (bytes !== undefined) return { bytes, header, url: got.url };
      throw new ModelcarsError('source', `${call.what}: ${got.url.host} answered more than ${limit} bytes`);
    });
  }

  /** An answer, asked for until it comes, cannot come, or has failed as often as it may. The caller reads or drops the body. */
  async get(call: GetRequest): Promise<GetResponse> {
    return await this.#retrying(call, () => this.getOnce(call));
  }

  /**
   * Sends it once and gives the body to `take`; a large one over a connection that costs little where there can be one. `look` sees status
   * and headers before; what it and `take` throw is thrown.
   */
  async receive(
    call: GetRequest,
    look: (seen: ResponseInfo) => void,
    take: ChunkSink,
    size: 'large' | 'small' = 'large',
  ): Promise<void> {
    const { what, url, expect, signal } = call;
    const lanes = size === 'large' ? this.#lanes(call) : undefined;
    if (lanes !== undefined) {
      const headers = this.#headersFor(call);
      const seen = (head: ResponseHead): ResponseInfo => ({
        status: head.status,
        header: (name) => head.headers[name],
        url,
      });
      const answer = await lanes
        .get({ url, headers, expect, signal, look: (head) => look(seen(head)), take })
        .catch((error: unknown) => {
          if (!(error instanceof ConnectionLost)) throw error;
          throw signal?.aborted ? cancelled(error) : networkFailure(what, url.host, error.cause);
        });
      this.#answered.add(url.host);
      if (answer.read) return;
      // Asked not to come now: not twice, then. What else is wrong, the ordinary way tells, with its body.
      if (isRetryable(answer.status)) {
        const { status, header } = seen(answer);
        throw this.#options.refused(call, { status, header, body: '', url, retryAfter: waitOf(header) });
      }
    }
    const got = await this.getOnce(call);
    try {
      look({ status: got.status, header: (name) => headerOf(got.answer, name), url: got.url });
    } catch (error) {
      drop(got.answer);
      throw error;
    }
    await pour(bodyOf(got, what, signal), take);
  }

  /** Sends it once: for those who try again by themselves. The caller reads or drops the body. */
  async getOnce(call: GetRequest): Promise<GetResponse> {
    const { transport, mayBePlain } = this.#options;
    const { what, url, expect, follow = true, sender, signal } = call;
    const headers = this.#headersFor(call);
    const method = 'GET';
    let got: GetResponse;
    if (follow) {
      const request = { what, method, headers, sender, signal, headersTimeout, mayBePlain } as const;
      got = await transmit(transport, url, request);
    } else {
      try {
        const answer = await transport.send(url, { method, headers, sender, signal, headersTimeout });
        got = { answer, status: answer.statusCode, url };
      } catch (error) {
        throw signal?.aborted ? cancelled(error) : networkFailure(what, url.host, error);
      }
    }
    this.#answered.add(url.host);
    if (expect.includes(got.status)) return got;
    throw this.#options.refused(call, await refusalOf(got));
  }

  #lanes({ what, url, sender }: GetRequest): BulkPool | undefined {
    try {
      return this.#options.transport.bulkPool(url, sender);
    } catch (error) {
      throw networkFailure(what, url.host, error);
    }
  }

  #headersFor({ url, headers }: GetRequest): Record<string, string> {
    const authorization = this.#options.authorize?.(url);
    return {
      'user-agent': 'modelcars',
      'accept-encoding': 'identity',
      ...headers,
      ...(authorization !== undefined && { authorization }),
    };
  }

  #retrying<T>({ url, signal }: GetRequest, task: () => Promise<T>): Promise<T> {
    const { retry, onRetry } = this.#options;
    return retrying({ retry, onRetry, signal, answered: () => this.#answered.has(url.host) }, task);
  }
}

/** Gives a stream's bytes to `take`. */
export async function pour(bytes: AsyncIterable<Uint8Array>, take: ChunkSink): Promise<void> {
  for await (const chunk of bytes) {
    const wait = take(chunk);
    if (wait !== undefined) await wait;
  }
}

/**
 * The body of an answer. A connection that breaks is a RequestFailure that may be retried; whoever stops reading ends the
 * connection.
 */
async function* bodyOf(got: GetResponse, what: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* got.answer.body as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof ModelcarsError) throw error;
    throw signal?.aborted ? cancelled(error) : networkFailure(what, got.url.host, error);
  } finally {
    drop(got.answer);
  }
}

/**
 * How long an answer asks to wait, in milliseconds: Retry-After, or the reset of a RateLimit header that has nothing left
 * (draft-ietf-httpapi-ratelimit-headers: `"api";r=0;t=55`).
 */
export function waitOf(header: (name: string) => string | undefined): number | undefined {
  const retryAfter = parseRetryAfter(header('retry-after'));
  if (retryAfter !== undefined) return retryAfter;
  const limit = header('ratelimit') ?? '';
  const seconds = /;\s*r\s*=\s*0\b/.test(limit) ? /;\s*t\s*=\s*(\d{1,9})/.exec(limit)?.[1] : undefined;
  // A second more: the header has whole seconds.
  return seconds === undefined ? undefined : (Number(seconds) + 1) * 1000;
}

async function refusalOf({ answer, status, url }: GetResponse): Promise<RefusedResponse> {
  const header = (name: string) => headerOf(answer, name);
  const body = (await readRefusal(answer)).toString('utf8');
  return { status, header, body, url, retryAfter: waitOf(header) };
}
