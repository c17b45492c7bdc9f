import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from './api.ts';

/** Tries before the error is thrown, one second apart. */
const maxAttempts = 60;
/** Errors of an API server or a webhook that has just started or is overloaded. */
const transient =
  /failed calling webhook|connection refused|no endpoints|request did not complete|context deadline exceeded|etcdserver|too many requests/i;

/**
 * Repeats a request to a cluster that is still starting. An attempt that seemed to fail may have created the object:
 * `AlreadyExists` on a retry therefore counts as success, with an undefined result.
 */
export async function retryApi<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (attempt > 1 && error.reason === 'AlreadyExists') return undefined;
      if (!transient.test(error.message) || attempt >= maxAttempts) throw error;
      await sleep(1000, undefined, { signal });
    }
  }
}
