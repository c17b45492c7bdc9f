import { cancelled, ModelcarsError } from '../errors.ts';
import { drop, headerOf, readBody, readRefusal } from './body.ts';
import { type ChunkSink, ConnectionLost } from './bulk/connection.ts';
import type { ResponseHead } from './bulk/head.ts';
import type { BulkPool } from './bulk/pool.ts';
import { isRetryable, networkFailure, type RequestFailure } from './failure.ts';
import { transmit } from './redirects.ts';
import { parseRetryAfter, type RetryOptions, retrying } from './retry.ts';
import type { HttpResponse, Transport } from './transport.ts';

/** One GET request. */
export interface GetRequest {
  /** Start of error messages: "read hf://org/model: config.json". */
  what: string;
  url: URL;
  /** Statuses to return; for any other, `HttpOptions.refused` makes the failure. */
  expect: number[];
  headers?: Record<string, string>;
  /** False: handle a redirect like any other response. */
  follow?: boolean;
  /** The URL that pointed to `url`, when the user did not give it; see `HttpRequest.sender`. */
  sender?: URL | undefined;
  signal?: AbortSignal | undefined;
}

/** A response with an unexpected status. */
export interface RefusedResponse {
  status: number;
  header(name: string): string | undefined;
  /** The first 64 KiB of the body, as far as they arrive within 5 s. */
  body: string;
  /** The URL of the response, after redirects. */
  url: URL;
  /** Milliseconds to wait before the next try, if the response states it. */
  retryAfter: number | undefined;
}

export interface HttpOptions {
  transport: Transport;
  retry: RetryOptions;
  /** Called before each retry with one line for the log. */
  onRetry?: ((message: string) => void) | undefined;
  /** The Authorization header for a URL; called for the first URL only, and never sent to another origin. */
  authorize?(url: URL): string | undefined;
  /** Whether a redirect may lead to this URL, which is not https. */
  mayBePlain(url: URL): boolean;
  /** The failure for an unexpected response. */
  refused(call: GetRequest, answer: RefusedResponse): RequestFailure;
}

export interface GetResponse {
  answer: HttpResponse;
  status: number;
  /** The URL of the response, after redirects. */
  url: URL;
}

/** Status and headers of a response whose body follows. */
export interface ResponseInfo {
  status: number;
  header(name: string): string | undefined;
  /** The URL of the response, after redirects. */
  url: URL;
}

/** A short response, read completely. */
export interface SmallResponse {
  bytes: Uint8Array;
  header(name: string): string | undefined;
  /** The URL of the response, after redirects. */
  url: URL;
}

const headersTimeout = 60_000;

/** GET requests to file servers: follows redirects, retries, and waits as long as the server asks. */
export class HttpClient {
  readonly #options: HttpOptions;
  readonly #answered = new Set<string>();

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * Reads a short response completely, retrying until it arrives, the failure is final, or no tries are left. Fails
   * with code `source` when it is longer than `limit` bytes.
   */
  async read(call: GetRequest, limit: number): Promise<SmallResponse> {
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

  /**
   * Returns a response, retrying until it arrives, the failure is final, or no tries are left. The caller reads or
   * drops the body.
   */
  async get(call: GetRequest): Promise<GetResponse> {
    return await this.#retrying(call, () => this.getOnce(call));
  }

  /**
   * Sends the request once and passes the body to `take`; a large body over a bulk connection where possible, which
   * needs less CPU. `look` is called first, with status and headers. Errors of `look` and `take` are passed on
   * unchanged.
   */
  async receive(
    call: GetRequest,
    look: (seen: ResponseInfo) => void,
    take: ChunkSink,
    size: 'large' | 'small' = 'large',
  ): Promise<void> {
    const { what, url, expect, signal } = call;
    const pool = size === 'large' ? this.#bulkPool(call) : undefined;
    if (pool !== undefined) {
      const headers = this.#headersFor(call);
      const seen = (head: ResponseHead): ResponseInfo => ({
        status: head.status,
        header: (name) => head.headers[name],
        url,
      });
      const answer = await pool
        .get({ url, headers, expect, signal, look: (head) => look(seen(head)), take })
        .catch((error: unknown) => {
          if (!(error instanceof ConnectionLost)) throw error;
          throw signal?.aborted ? cancelled(error) : networkFailure(what, url.host, error.cause);
        });
      this.#answered.add(url.host);
      if (answer.read) return;
      // The server asks to retry later, so the request is not sent twice. For other statuses it is sent again below, to
      // get the body, which states the cause.
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

  /** Sends the request once, for callers with their own retries. The caller reads or drops the body. */
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

  #bulkPool({ what, url, sender }: GetRequest): BulkPool | undefined {
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

/** Passes a stream's bytes to `take`. */
export async function pour(bytes: AsyncIterable<Uint8Array>, take: ChunkSink): Promise<void> {
  for await (const chunk of bytes) {
    const wait = take(chunk);
    if (wait !== undefined) await wait;
  }
}

/**
 * The body of a response. A broken connection is a retryable RequestFailure. When the reader stops early, the
 * connection is closed.
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
 * Milliseconds that a response asks to wait: Retry-After, or the reset time of a RateLimit header with nothing left
 * (draft-ietf-httpapi-ratelimit-headers: `"api";r=0;t=55`).
 */
export function waitOf(header: (name: string) => string | undefined): number | undefined {
  const retryAfter = parseRetryAfter(header('retry-after'));
  if (retryAfter !== undefined) return retryAfter;
  const limit = header('ratelimit') ?? '';
  const seconds = /;\s*r\s*=\s*0\b/.test(limit) ? /;\s*t\s*=\s*(\d{1,9})/.exec(limit)?.[1] : undefined;
  // One second more, because the header has whole seconds.
  return seconds === undefined ? undefined : (Number(seconds) + 1) * 1000;
}

async function refusalOf({ answer, status, url }: GetResponse): Promise<RefusedResponse> {
  const header = (name: string) => headerOf(answer, name);
  const body = (await readRefusal(answer)).toString('utf8');
  return { status, header, body, url, retryAfter: waitOf(header) };
}
