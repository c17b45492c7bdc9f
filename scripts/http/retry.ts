import { setTimeout as wait } from 'node:timers/promises';
import { cancelled, ModelcarsError } from '../errors.ts';
import { isUnreachable, RequestFailure } from './failure.ts';

/** How many times to try a request, and how long to wait in between. */
export interface RetryOptions {
  /** Tries in total, including the first. */
  tries: number;
  /** Milliseconds before the second try; doubled each time. */
  delay: number;
}

/** Seven tries wait about a minute in total: enough for a registry restart, or for a rollout behind a load balancer. */
export const defaultRetry: RetryOptions = { tries: 7, delay: 1000 };

const longestDelay = 30_000;
/**
 * Milliseconds that one request waits in total because a server asks for it; the rate limit windows of a hub are 5
 * minutes.
 */
export const longestWait = 5 * 60_000 + 10_000;

export interface RetriesOptions {
  retry: RetryOptions;
  /** Called before each retry with one line for the log. */
  onRetry?: ((message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Whether the host has ever responded; one that never did is more likely a typing error than a restarting host. */
  answered?(): boolean;
}

/** The tries of one request: counts failures and waits between them. */
export class Retries {
  readonly #options: RetriesOptions;
  #failures = 0;
  /** Milliseconds that servers asked to wait, in total. */
  #asked = 0;

  constructor(options: RetriesOptions) {
    this.#options = options;
  }

  /** Resets the failure count: new bytes arrived. */
  progress(): void {
    this.#failures = 0;
    this.#asked = 0;
  }

  /**
   * Waits before the next try. Throws the error instead when it is not retryable, when no tries are left (and marks it
   * as not retryable, so that no caller starts over), or when the server asks to wait too long.
   */
  async wait(error: unknown): Promise<void> {
    const { retry, onRetry, signal, answered } = this.#options;
    if (!(error instanceof RequestFailure) || !error.retryable) throw error;
    const hopeless = isUnreachable(error) && answered?.() === false;
    if (++this.#failures >= (hopeless ? Math.min(2, retry.tries) : retry.tries)) {
      error.retryable = false;
      throw error;
    }
    const delay = this.#delay(error);
    onRetry?.(`${error.message}; try ${this.#failures + 1} in ${Math.ceil(delay / 1000)} s`);
    await sleep(delay, signal);
  }

  /** Milliseconds until the next try: as the server asks (Retry-After), otherwise doubling from `delay`. */
  #delay(failure: RequestFailure): number {
    const { retryAfter } = failure;
    if (retryAfter === undefined) return backoff(this.#failures, this.#options.retry);
    this.#asked += retryAfter;
    if (this.#asked <= longestWait) return retryAfter;
    const more = retryAfter > longestWait ? '' : ' more';
    throw new RequestFailure(
      `${failure.message}, and asks to wait ${duration(retryAfter)}${more} (Retry-After)`,
      {
        code: failure.code,
        next: `run the command again in ${duration(retryAfter)}`,
        cause: failure,
        codes: failure.codes,
        retryable: false,
        ...(failure.status !== undefined && { status: failure.status }),
      },
    );
  }
}

/** Runs a task until it succeeds or its failure is final; see `Retries`. */
export async function retrying<T>(options: RetriesOptions, task: () => Promise<T>): Promise<T> {
  const retries = new Retries(options);
  for (;;) {
    try {
      return await task();
    } catch (error) {
      await retries.wait(error);
    }
  }
}

/** Milliseconds to wait after failure number `failures` (1-based): doubling, up to 30 s, plus or minus a quarter. */
function backoff(failures: number, { delay }: RetryOptions): number {
  return Math.round(Math.min(delay * 2 ** (failures - 1), longestDelay) * (0.75 + Math.random() / 2));
}

/** A Retry-After header in milliseconds: seconds or an HTTP date (RFC 9110 section 10.2.3). Has no upper limit. */
export function parseRetryAfter(header: string | string[] | undefined, now = Date.now()): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return undefined;
  const delay = /^\s*\d{1,10}\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(delay) ? undefined : Math.max(delay, 0);
}

/** Waits; throws the signal's reason, or a `cancelled` error, as soon as the signal aborts. */
export async function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await wait(milliseconds, undefined, signal ? { signal } : {});
  } catch (cause) {
    throw signal?.reason instanceof ModelcarsError ? signal.reason : cancelled(cause);
  }
}

/** Milliseconds in words: `75 s`, `12 min`, `2 h`, `3 days`; rounded up. */
export function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.ceil(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.ceil(seconds / 3600)} h`;
  return `${Math.ceil(seconds / 86_400)} days`;
}
