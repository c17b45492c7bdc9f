import { RequestFailure } from './failure.ts';
import { backoff, type RetryOptions } from './retry.ts';

/** Milliseconds that one request waits in all because it is asked to; a hub's rate limit is for windows of 5 minutes. */
export const longestWait = 5 * 60_000 + 10_000;

/** How long to wait before each new try of one request: by ourselves, or as the other side asks, which has a limit over all tries. */
export class Patience {
  readonly #retry: RetryOptions;
  #asked = 0;

  constructor(retry: RetryOptions) {
    this.#retry = retry;
  }

  /**
   * Milliseconds to wait after try number `attempt` (1-based). Throws the failure, with how long it asks to wait and not to be retried,
   * when that is longer than anybody should sit before a terminal.
   */
  delay(attempt: number, failure: RequestFailure): number {
    const { retryAfter } = failure;
    if (retryAfter === undefined) return backoff(attempt, this.#retry);
    this.#asked += retryAfter;
    if (this.#asked <= longestWait) return retryAfter;
    const alone = retryAfter > longestWait;
    const asks = `asks to wait ${duration(retryAfter)}${alone ? '' : ' more'} (Retry-After)`;
    throw new RequestFailure(`${failure.message}, and ${asks}`, {
      code: failure.code,
      next: `run the command again in ${duration(retryAfter)}`,
      cause: failure,
      codes: failure.codes,
      retryable: false,
      ...(failure.status !== undefined && { status: failure.status }),
    });
  }
}

/** Milliseconds in words: `75 s`, `12 min`, `2 h`, `3 days`; never less than it is. */
export function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.ceil(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.ceil(seconds / 3600)} h`;
  return `${Math.ceil(seconds / 86_400)} days`;
}
