import { cancelled } from '../../errors.ts';
import { asModelcarsError } from '../../terminal/errors.ts';
import type { Check, CheckName, CheckResult, DoctorOptions } from './types.ts';

/**
 * Runs one check within the time limit. Never throws, except `cancelled` when the run is stopped: a failure, and a check
 * that does not end in time, is a result with status `fail`.
 */
export async function limited(
  name: { check: CheckName; subject?: string },
  check: Check,
  options: DoctorOptions,
): Promise<CheckResult[]> {
  const { patience, signal } = options;
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => {
      resolve('late');
      late.abort();
    }, patience);
  });
  const stopped = new Promise<never>((_, reject) => {
    const stop = () => reject(cancelled(signal.reason));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true, signal: late.signal });
  });
  // Both lose most races.
  stopped.catch(() => undefined);
  const running = check({ ...options, signal: AbortSignal.any([signal, late.signal]) });
  running.catch(() => undefined);
  try {
    const results = await Promise.race([running, timeout, stopped]);
    if (results !== 'late') return results;
    const message = `no result within ${patience / 1000} s`;
    return [{ ...name, status: 'fail', message, next: 'check the network, or pass --offline' }];
  } catch (error) {
    if (signal.aborted) throw cancelled(error);
    const { message, next } = asModelcarsError(error);
    return [{ ...name, status: 'fail', message, ...(next !== undefined && { next }) }];
  } finally {
    clearTimeout(timer);
    late.abort();
  }
}
