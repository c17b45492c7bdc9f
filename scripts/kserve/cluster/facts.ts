import { ModelcarsError } from '../../errors.ts';
import type { ModelcarConfig } from '../types.ts';
import { type Api, ApiError } from './api.ts';
import { readModelcars, type ServiceConfig, usualCpu, withModelcarUser } from './kserve-config.ts';

/** Namespaces of KServe's configuration: KServe's own install, Open Data Hub, OpenShift AI, Kubeflow. */
const configNamespaces = ['kserve', 'opendatahub', 'redhat-ods-applications', 'kubeflow'];

/** The properties of a cluster that a smoke test depends on. */
export interface ClusterFacts {
  /** Namespace of `inferenceservice-config`; undefined when reading it is forbidden. */
  configNamespace?: string;
  modelcars: ModelcarConfig;
  openshift: boolean;
}

/** Reads how the cluster's KServe handles `oci://`. Fails with code `cluster` when the cluster has no KServe. */
export async function readFacts(api: Api): Promise<ClusterFacts> {
  const groups = await api.request<{ groups: { name: string }[] }>('GET', '/apis');
  const has = (name: string) => groups.groups.some((group) => group.name === name);
  if (!has('serving.kserve.io')) {
    throw new ModelcarsError('cluster', `use the cluster ${api.server}: it has no KServe`, {
      next: 'install KServe, or omit --context to have a cluster with KServe created and deleted',
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
  // Reading is forbidden: assume the defaults; the pods' behaviour shows whether they apply.
  return { modelcars: { enabled: true, mode: 'modelcar', cpu: usualCpu }, openshift };
}

/** Sets or removes `uidModelcar`. KServe's pod webhook reads it again for each pod. */
export async function setModelcarUser(
  api: Api,
  namespace: string,
  user: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const config = (await api.find<ServiceConfig>(configMap(namespace))) ?? {};
  if (readModelcars(config).user === user) return;
  // All fields: server-side apply removes those that its manager applied before and now omits.
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
