import { setTimeout as wait } from 'node:timers/promises';
import { cancelled } from '../errors.ts';

/** How patient to be with a server that does not answer well. */
export interface RetryOptions {
  /** Tries in all, the first included. */
  tries: number;
  /** Milliseconds before the second try; doubled each time. */
  delay: number;
}

/** Seven tries wait about a minute in all: a registry's restart, or a rollout behind a load balancer. */
export const defaultRetry: RetryOptions = { tries: 7, delay: 1000 };

const longestDelay = 30_000;

/** Milliseconds to wait after try number `attempt` (1-based): doubling, up to 30 s, plus or minus a quarter. */
export function backoff(attempt: number, options: RetryOptions): number {
  const delay = Math.min(options.delay * 2 ** (attempt - 1), longestDelay);
  return Math.round(delay * (0.75 + Math.random() / 2));
}

/** A Retry-After header in milliseconds: seconds or an HTTP date (RFC 9110 section 10.2.3). How long is too long, Patience knows. */
export function parseRetryAfter(header: string | string[] | undefined, now = Date.now()): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return undefined;
  const delay = /^\s*\d{1,10}\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(delay) ? undefined : Math.max(delay, 0);
}

/** Waits; a `cancelled` error as soon as the signal says so. */
export async function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await wait(milliseconds, undefined, signal ? { signal } : {});
  } catch (cause) {
    throw cancelled(cause);
  }
}
