import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { ModelcarsError } from '../../errors.ts';
import { isAlive } from '../../files/atomic.ts';
import type { KubernetesObject } from '../manifests/inference-service.ts';
import { type Api, ApiError } from './api.ts';

const runAnnotation = 'modelcars.dev/run';

interface Namespace extends KubernetesObject {
  status?: { phase?: string };
}

/** Label on everything that a smoke test creates. */
export const ownLabel = { 'app.kubernetes.io/managed-by': 'modelcars-smoke' };

/** The namespace of a smoke test, new or existing. Disposing of it deletes a new one. */
export interface SmokeNamespace extends AsyncDisposable {
  namespace: string;
  /** The command that deletes the leftovers of a crash by hand. */
  removal: string;
}

/**
 * Opens the namespace to work in. Deletes namespaces left by killed runs on this machine, and reports those from other
 * machines.
 */
export async function openNamespace(
  api: Api,
  given: string | undefined,
  say: (line: string) => void,
): Promise<SmokeNamespace> {
  if (given !== undefined) {
    const found = await api.find({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: given } }).catch(
      // Users often cannot read the namespace that they work in.
      (error: unknown) => {
        if (error instanceof ApiError && error.status === 403) return {};
        throw error;
      },
    );
    if (found === undefined)
      throw new ModelcarsError('usage', `use namespace ${given}: the cluster has none of that name`, {
        next: `create it: kubectl create namespace ${given}`,
      });
    const selector = Object.entries(ownLabel).map(([key, value]) => `${key}=${value}`);
    return {
      namespace: given,
      removal: `kubectl -n ${given} delete inferenceservices,servingruntimes -l ${selector}`,
      async [Symbol.asyncDispose]() {
        // Each case deletes its own objects.
      },
    };
  }
  await sweep(api, say);
  const name = `modelcars-smoke-${randomBytes(3).toString('hex')}`;
  const object: Namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name,
      labels: ownLabel,
      annotations: { [runAnnotation]: `${process.pid} ${hostname()} ${new Date().toISOString()}` },
    },
  };
  try {
    await api.apply(object);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    throw new ModelcarsError('cluster', 'create a namespace: the cluster does not allow it', {
      next: 'pass one that you may use: --namespace NAME',
      cause: error,
    });
  }
  return {
    namespace: name,
    removal: `kubectl delete namespace ${name}`,
    [Symbol.asyncDispose]: () => api.remove(object),
  };
}

/** Deletes namespaces of killed runs on this machine, and reports those from other machines. */
async function sweep(api: Api, say: (line: string) => void): Promise<void> {
  const selector = encodeURIComponent(
    Object.entries(ownLabel)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  );
  const found = await api
    .request<{ items: Namespace[] }>('GET', `/api/v1/namespaces?labelSelector=${selector}`)
    .catch(() => ({ items: [] }));
  for (const { metadata, status } of found.items) {
    if (status?.phase === 'Terminating') continue;
    const [pid = '', host = '', since = ''] = (metadata.annotations?.[runAnnotation] ?? '').split(' ');
    if (host === hostname() && isAlive(Number(pid))) continue;
    if (host === hostname()) {
      say(`namespace ${metadata.name} was left behind by a killed run: deleting it`);
      await api.remove({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: metadata.name } });
    } else {
      say(
        `namespace ${metadata.name} belongs to a run on ${host || 'another machine'} since ${since}; if that run was killed: kubectl delete namespace ${metadata.name}`,
      );
    }
  }
}
