import { ModelcarsError } from '../../errors.ts';
import type { ModelcarConfig } from '../types.ts';
import { type Api, ApiError } from './api.ts';
import { readModelcars, type ServiceConfig, withModelcarUser } from './kserve-config.ts';

/** Where KServe keeps its configuration: KServe's own install, Open Data Hub, OpenShift AI, Kubeflow. */
const configNamespaces = ['kserve', 'opendatahub', 'redhat-ods-applications', 'kubeflow'];

/** A cluster as a smoke test sees it. */
export interface ClusterFacts {
  /** Where `inferenceservice-config` is; undefined where it may not be read. */
  configNamespace?: string;
  modelcars: ModelcarConfig;
  openshift: boolean;
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
