/** Waits for the pods of a namespace. */
import { Watch } from '@kubernetes/client-node';
import type { Api } from '../../scripts/kserve/cluster/api.ts';
import { namespace } from './objects.ts';
import { type ObservedPod, type Phases, PodLog, type PodTimes, phasesOf } from './pod-times.ts';

/** Pods with a label. */
export interface PodSelector {
  label: string;
  value: string;
}

export interface PodWatch extends AsyncDisposable {
  /** Resolves with the pods and their phases since `start` once so many are ready. Fails after ten minutes. */
  ready(which: PodSelector, count: number, start: number): Promise<{ pods: PodTimes[]; phases: Phases }>;
  /** Resolves when the namespace has no pod. */
  empty(): Promise<void>;
}

/** Seconds for a pod to get ready, or to end. */
const patience = 600;

/** Seconds, of the clock that all times here are of. */
export function now(): number {
  return performance.now() / 1000;
}

/** Opens a watch, for less than the half hour after which an API server may end one. */
export async function watchPods(api: Api, signal: AbortSignal): Promise<PodWatch> {
  const log = new PodLog();
  let failure: unknown;
  let wake = (): void => {};
  const watch = new Watch(api.config);
  // Ends a watch in which nothing happens: by default after 30 s, which a busy machine may need between two starts.
  Object.assign(watch, { requestTimeoutMs: patience * 1000 });
  const request = await watch.watch(
    `/api/v1/namespaces/${namespace}/pods`,
    {},
    (kind: string, pod: ObservedPod) => {
      log.note(kind, pod, now());
      wake();
    },
    (error: unknown) => {
      failure = error ?? new Error('watch pods: the API server ended it');
      wake();
    },
  );
  /** Asks at every change until there is an answer. */
  const until = async <T>(what: string, ask: () => T | undefined): Promise<T> => {
    const deadline = AbortSignal.timeout(patience * 1000);
    for (const one of [signal, deadline]) one.addEventListener('abort', () => wake(), { once: true });
    for (;;) {
      signal.throwIfAborted();
      const answer = ask();
      if (answer !== undefined) return answer;
      if (failure !== undefined) throw failure;
      if (deadline.aborted) throw new Error(`wait for ${what}: not within ${patience} s`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return {
    ready: async ({ label, value }, count, start) =>
      await until(`${count} ready pods of ${value}`, () => {
        const pods = log.having(label, value);
        const phases = pods.length === count ? phasesOf(pods, start) : undefined;
        return phases && { pods, phases };
      }),
    empty: async () => await until('pods to end', () => (log.size === 0 ? true : undefined)).then(() => {}),
    [Symbol.asyncDispose]: async () => request.abort(),
  };
}
