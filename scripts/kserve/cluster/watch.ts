import { EventEmitter } from 'node:events';
import {
  type CoreV1Event,
  type KubernetesListObject,
  type KubernetesObject,
  ListWatch,
  type V1Pod,
  Watch,
} from '@kubernetes/client-node';
import type { PodView } from '../diagnosis/evidence.ts';
import {
  type EventView,
  type ServiceStatus,
  type ServiceView,
  viewEvent,
  viewPod,
  viewService,
} from '../diagnosis/evidence.ts';
import type { Api } from './api.ts';

/** Milliseconds before a broken watch is restarted. */
const again = 1000;

/** The pods, events and InferenceServices of a namespace, kept up to date by watches instead of polling. */
export class NamespaceWatch {
  readonly #changes = new EventEmitter();
  readonly #pods: ListWatch<V1Pod>;
  readonly #events: ListWatch<CoreV1Event>;
  readonly #services: ListWatch<KubernetesObject>;
  #stopped = false;

  private constructor(api: Api, namespace: string) {
    this.#changes.setMaxListeners(0);
    const core = `/api/v1/namespaces/${namespace}`;
    this.#pods = this.#open(api, `${core}/pods`);
    this.#events = this.#open(api, `${core}/events`);
    this.#services = this.#open(
      api,
      `/apis/serving.kserve.io/v1beta1/namespaces/${namespace}/inferenceservices`,
    );
  }

  /** Fails with an ApiError when listing the namespace is forbidden. */
  static async start(api: Api, namespace: string): Promise<NamespaceWatch> {
    await api.request('GET', `/api/v1/namespaces/${namespace}/pods?limit=1`);
    const watch = new NamespaceWatch(api, namespace);
    await Promise.all([watch.#pods.start(), watch.#events.start(), watch.#services.start()]);
    return watch;
  }

  /** The newest pod of an InferenceService. */
  pod(name: string): PodView | undefined {
    const own = this.#pods
      .list()
      .filter(({ metadata }) => metadata?.labels?.['serving.kserve.io/inferenceservice'] === name)
      .sort((a, b) => timeOf(b) - timeOf(a))[0];
    return own && viewPod(own);
  }

  service(name: string): ServiceView | undefined {
    const found = this.#services.list().find(({ metadata }) => metadata?.name === name);
    return found && viewService(found as ServiceStatus);
  }

  /** Events of an InferenceService and of the objects that KServe creates for it, oldest first. */
  events(name: string): EventView[] {
    return this.#events
      .list()
      .filter(({ involvedObject }) => {
        const object = involvedObject.name ?? '';
        return object === name || object.startsWith(`${name}-predictor`);
      })
      .map(viewEvent)
      .sort((a, b) => a.at - b.at);
  }

  /** Resolves at the next change, or after `milliseconds` at the latest; rejects when the signal aborts. */
  async changed(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(done, Math.max(0, milliseconds));
      const abort = () => done(signal.reason);
      const changes = this.#changes;
      function done(reason?: unknown) {
        clearTimeout(timer);
        changes.off('change', change);
        signal.removeEventListener('abort', abort);
        if (signal.aborted) reject(reason);
        else resolve();
      }
      const change = () => done();
      changes.once('change', change);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([this.#pods.stop(), this.#events.stop(), this.#services.stop()]);
  }

  #open<T extends KubernetesObject>(api: Api, path: string): ListWatch<T> {
    const list = () => api.request<KubernetesListObject<T>>('GET', path);
    const watch = new ListWatch<T>(path, new Watch(api.config), list, false);
    for (const verb of ['add', 'update', 'delete'] as const)
      watch.on(verb, () => this.#changes.emit('change'));
    watch.on('error', () => {
      if (!this.#stopped) setTimeout(() => !this.#stopped && void watch.start(), again).unref();
    });
    return watch;
  }
}

function timeOf({ metadata }: V1Pod): number {
  return new Date(metadata?.creationTimestamp ?? 0).getTime();
}
