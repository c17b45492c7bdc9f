import { ModelcarsError } from '../../errors.ts';
import type { ModelcarConfig } from '../types.ts';

/** KServe's ConfigMap `inferenceservice-config`, whose values are JSON texts. */
export interface ServiceConfig {
  data?: Record<string, string>;
}

/** Reads how KServe serves modelcars. Fails with code `cluster` when the ConfigMap does not have KServe's format. */
export function readModelcars(config: ServiceConfig): ModelcarConfig {
  const storage = section(config, 'storageInitializer');
  const { enableModelcar, enableOciModelSupport, ociModelMode, uidModelcar, cpuModelcar: cpu } = storage;
  return {
    enabled: enableModelcar === true || enableOciModelSupport === true || Boolean(ociModelMode),
    mode: typeof ociModelMode === 'string' && ociModelMode !== '' ? ociModelMode : 'modelcar',
    ...(typeof uidModelcar === 'number' && { user: uidModelcar }),
    cpu: typeof cpu === 'string' && cpu !== '' ? cpu : usualCpu,
  };
}

/** KServe's default of `cpuModelcar` (pkg/constants/constants.go, v0.20.0). */
export const usualCpu = '10m';
/**
 * CPU for each container of a model image. With KServe's default its shell takes about 6 s to start. Four pods that start
 * and four that end have to fit on a node of two CPUs.
 */
const cpuModelcar = '40m';

/**
 * The ConfigMap for a new cluster: modelcars on and with CPU to start, plain Deployments (under the name that every
 * release since 0.13 knows) and no ingress, so that Knative, Istio and a gateway are not needed.
 */
export function configure(config: ServiceConfig): Record<string, string> {
  const { _example, ...data } = config.data ?? {};
  return {
    ...data,
    deploy: JSON.stringify({
      ...section(config, 'deploy'),
      defaultDeploymentMode: 'RawDeployment',
    }),
    ingress: JSON.stringify({
      ...section(config, 'ingress'),
      disableIngressCreation: true,
      disableIstioVirtualHost: true,
    }),
    storageInitializer: JSON.stringify({
      ...section(config, 'storageInitializer'),
      enableModelcar: true,
      cpuModelcar,
    }),
  };
}

/** The section `storageInitializer` with another `uidModelcar`; undefined removes it, as on OpenShift. */
export function withModelcarUser(config: ServiceConfig, user: number | undefined): string {
  const { uidModelcar, ...rest } = section(config, 'storageInitializer');
  return JSON.stringify({ ...rest, ...(user !== undefined && { uidModelcar: user }) });
}

function section({ data }: ServiceConfig, name: string): Record<string, unknown> {
  const text = data?.[name];
  if (text === undefined) return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Reported below.
  }
  throw new ModelcarsError('cluster', `read ConfigMap inferenceservice-config: ${name} is not JSON`, {
    next: 'correct it: kubectl -n kserve edit configmap inferenceservice-config',
  });
}
