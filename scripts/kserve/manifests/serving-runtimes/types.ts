import type { KubernetesObject, Resources } from '../inference-service.ts';

/** KServe's ServingRuntime (pkg/apis/serving/v1alpha1/servingruntime_types.go), limited to the fields written here. */
export interface ServingRuntime extends KubernetesObject {
  apiVersion: 'serving.kserve.io/v1alpha1';
  kind: 'ServingRuntime';
  spec: RuntimeSpec;
}

export interface RuntimeSpec {
  annotations?: Record<string, string>;
  multiModel?: boolean;
  supportedModelFormats: { name: string; version?: string; autoSelect?: boolean; priority?: number }[];
  protocolVersions?: string[];
  containers: RuntimeContainer[];
  volumes?: object[];
}

export interface RuntimeContainer {
  name: 'kserve-container';
  image: string;
  command?: string[];
  args?: string[];
  env?: { name: string; value: string }[];
  ports?: { containerPort: number; protocol: 'TCP' }[];
  securityContext?: object;
  resources?: Resources;
  volumeMounts?: { name: string; mountPath: string }[];
  startupProbe?: object;
  readinessProbe?: object;
  livenessProbe?: object;
}

/** A runtime before it gets a namespace and an image of its own. */
export interface RuntimeDefinition {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  spec: RuntimeSpec;
}
