import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { KubeConfig } from '@kubernetes/client-node';
import { ModelcarsError } from '../../errors.ts';
import { isAlive } from '../../files/atomic.ts';
import type { KubernetesObject } from '../manifests/inference-service.ts';
import { Api, ApiError } from './api.ts';
import { type ModelcarConfig, readModelcars, type ServiceConfig, withModelcarUser } from './kserve-config.ts';

/** Marks whatever a smoke test makes. */
export const ownLabel = { 'app.kubernetes.io/managed-by': 'modelcars-smoke' };
const runAnnotation = 'modelcars.dev/run';
/** Where KServe keeps its configuration: KServe's own install, Open Data Hub, OpenShift AI, Kubeflow. */
const configNamespaces = ['kserve', 'opendatahub', 'redhat-ods-applications', 'kubeflow'];

interface Namespace extends KubernetesObject {
  status?: { phase?: string };
}

/** A cluster as a smoke test sees it. */
export interface ClusterFacts {
  /** Where `inferenceservice-config` is; undefined where it may not be read. */
  configNamespace?: string;
  modelcars: ModelcarConfig;
  openshift: boolean;
}

/** Connects to the cluster of a kubeconfig: a file, or a text. Fails with code `usage` when it has no such context. */
export function connect(options: { kubeconfig?: string; text?: string; context?: string }): Api {
  const config = new KubeConfig();
  try {
    if (options.text !== undefined) config.loadFromString(options.text);
    else if (options.kubeconfig !== undefined) config.loadFromFile(options.kubeconfig);
    else config.loadFromDefault();
  } catch (cause) {
    const where = options.kubeconfig ?? 'the kubeconfig';
    throw new ModelcarsError('usage', `read ${where}: ${cause instanceof Error ? cause.message : cause}`, {
      next: 'name a kubeconfig with --kubeconfig FILE',
      cause,
    });
  }
  const { context } = options;
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(context)) {
      const known = names.length === 0 ? 'has none' : `has ${names.join(', ')}`;
      throw new ModelcarsError('usage', `use context ${context}: the kubeconfig ${known}`, {
        next: 'see `kubectl config get-contexts`',
      });
    }
    config.setCurrentContext(context);
  }
  return new Api(config);
}

/** What the cluster's KServe does with `oci://`. Fails with code `cluster` when there is no KServe. */
export async function readFacts(api: Api): Promise<ClusterFacts> {
  const groups = await api.request<{ groups: { name: string }[] }>('GET', '/apis');
  const has = (name: string) => groups.groups.some((group) => group.name === name);
  if (!has('serving.kserve.io')) {
    throw new ModelcarsError('cluster', `use the cluster ${api.server}: it has no KServe`, {
      next: 'install KServe, or leave --context out: then a cluster with it is made and deleted',
    });
  }
  const openshift = has('security.openshift.io');
  for (const namespace of configNamespaces) {
    const found = await api.find<ServiceConfig>(configMap(namespace)).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 403) return undefined;
      throw error;
    });
    if (found !== undefined)
      return { configNamespace: namespace, modelcars: readModelcars(found), openshift };
  }
  // Not ours to read: let the pods tell.
  return { modelcars: { enabled: true, mode: 'modelcar' }, openshift };
}

/** Sets `uidModelcar`, or takes it away. KServe's pod webhook reads it anew for each pod. */
export async function setModelcarUser(
  api: Api,
  namespace: string,
  user: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const config = (await api.find<ServiceConfig>(configMap(namespace))) ?? {};
  if (readModelcars(config).user === user) return;
  // All of it: server-side apply takes away what its manager applied before and does not now.
  const data = { ...config.data, storageInitializer: withModelcarUser(config, user) };
  await api.apply({ ...configMap(namespace), data }, signal);
}

function configMap(namespace: string) {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'inferenceservice-config', namespace },
  };
}

/** A namespace of our own, or one that is there; deleting it deletes only what is ours. */
export interface SmokeNamespace extends AsyncDisposable {
  namespace: string;
  /** How to take away by hand what a crash would leave. */
  removal: string;
}

/** Opens the namespace to work in. A namespace that a killed run of this machine left behind is taken away, others are told of. */
export async function openNamespace(
  api: Api,
  given: string | undefined,
  say: (line: string) => void,
): Promise<SmokeNamespace> {
  if (given !== undefined) {
    const found = await api.find({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: given } }).catch(
      // Many may use a namespace that they may not look at.
      (error: unknown) => {
        if (error instanceof ApiError && error.status === 403) return {};
        throw error;
      },
    );
    if (found === undefined)
      throw new ModelcarsError('usage', `use namespace ${given}: the cluster has none of that name`, {
        next: `make it: kubectl create namespace ${given}`,
      });
    const selector = Object.entries(ownLabel).map(([key, value]) => `${key}=${value}`);
    return {
      namespace: given,
      removal: `kubectl -n ${given} delete inferenceservices,servingruntimes -l ${selector}`,
      async [Symbol.asyncDispose]() {
        // Each trial takes its own away.
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
    throw new ModelcarsError('cluster', 'make a namespace: the cluster does not allow it', {
      next: 'name one that you may use: --namespace NAME',
      cause: error,
    });
  }
  return {
    namespace: name,
    removal: `kubectl delete namespace ${name}`,
    [Symbol.asyncDispose]: () => api.remove(object),
  };
}

/** Namespaces of runs that were killed. */
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
      say(`namespace ${metadata.name} was left behind by a run that was killed: deleting it`);
      await api.remove({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: metadata.name } });
    } else {
      say(
        `namespace ${metadata.name} is of a run on ${host || 'another machine'} since ${since}; if that was killed: kubectl delete namespace ${metadata.name}`,
      );
    }
  }
}
