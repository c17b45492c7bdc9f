import { type Api, ApiError } from '../cluster/api.ts';
import { forward } from '../cluster/port-forward.ts';
import { retryApi } from '../cluster/retry-api.ts';
import type { NamespaceWatch } from '../cluster/watch.ts';
import { server } from '../diagnosis/case-progress.ts';
import type { Evidence } from '../diagnosis/evidence.ts';
import type { InferenceService } from '../manifests/inference-service.ts';
import type { ForwardedPort, ServingCluster } from '../smoke/serving-cluster.ts';

/** Number of log lines read from the end. */
const tailLines = 200;
/** Milliseconds for a deleted pod to end, so that the next one finds its resources free. */
const removalPatience = 45_000;

/** Whether it is a log at all: the kubelet answers with a sentence when it has removed the container. */
function isLog(text: string): boolean {
  return text.trim() !== '' && !text.startsWith('unable to retrieve container logs for ');
}

/** One namespace of a cluster as a smoke test uses it, seen through a watch. */
export class ServingNamespace implements ServingCluster {
  readonly #api: Api;
  readonly #watch: NamespaceWatch;
  readonly #namespace: string;

  constructor(api: Api, watch: NamespaceWatch, namespace: string) {
    this.#api = api;
    this.#watch = watch;
    this.#namespace = namespace;
  }

  async serve(service: InferenceService, signal: AbortSignal): Promise<string | undefined> {
    try {
      await retryApi(() => this.#api.apply(service, signal), signal);
      return undefined;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 0 || signal.aborted) throw error;
      return error.message;
    }
  }

  async remove(service: InferenceService, signal: AbortSignal): Promise<void> {
    await this.#api.remove(service).catch(() => undefined);
    const until = Date.now() + removalPatience;
    const { name } = service.metadata;
    while (this.#watch.pod(name) !== undefined && Date.now() < until && !signal.aborted)
      await this.#watch.changed(until - Date.now(), signal).catch(() => undefined);
  }

  evidence(name: string): Evidence {
    const service = this.#watch.service(name);
    const pod = this.#watch.pod(name);
    const events = this.#watch.events(name);
    return { events, logs: {}, ...(service && { service }), ...(pod && { pod }) };
  }

  /**
   * Adds the logs of the containers that may explain a failure: those that failed before they were restarted, the
   * server and the modelcar.
   */
  async withLogs(evidence: Evidence): Promise<Evidence> {
    const { pod } = evidence;
    const logs: Record<string, string[]> = {};
    for (const { name, state, restarts, init } of pod?.containers ?? []) {
      const began = state !== 'waiting' || restarts > 0;
      if (!began || (init && state === 'terminated' && name !== 'storage-initializer' && pod?.ready))
        continue;
      const base = `/api/v1/namespaces/${this.#namespace}/pods/${pod?.name}/log?container=${name}&tailLines=${tailLines}`;
      const read = (query: string) =>
        this.#api.request<string>('GET', `${base}${query}`, { text: true }).catch(() => '');
      // In a crash loop the log of the previous run has the reason; of a run that has just ended, its own.
      const runs = state === 'waiting' || (state === 'running' && name === server);
      const before = restarts > 0 && runs ? await read('&previous=true') : '';
      const text = isLog(before) ? before : await read('');
      logs[name] = (isLog(text) ? text : '').split('\n').filter((line) => line.trim() !== '');
    }
    return { ...evidence, logs };
  }

  async changed(milliseconds: number, signal: AbortSignal): Promise<void> {
    await this.#watch.changed(milliseconds, signal);
  }

  async forward(pod: string, port: number): Promise<ForwardedPort> {
    return await forward(this.#api, this.#namespace, pod, port);
  }
}
