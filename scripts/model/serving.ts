import type { LLMServing } from './llm-serving.ts';

/** KServe's names of protocols (pkg/constants/constants.go). */
export type ProtocolVersion = 'v1' | 'v2' | 'grpc-v1' | 'grpc-v2';

/** Schemes of `storageUri`: a sidecar, an image volume, or files unpacked by the storage initializer. */
export type StorageMode = 'oci' | 'oci+native' | 'oci+fetch';

/**
 * Values of the annotation `serving.kserve.io/deploymentMode` (pkg/constants/constants.go). `Standard` and `Knative` are
 * known since KServe 0.16; the others are their names before, which newer ones still accept.
 */
export type DeploymentMode = 'Standard' | 'RawDeployment' | 'Knative' | 'Serverless';

/** What an autoscaler watches: `cpu` and `memory` the Horizontal Pod Autoscaler, `concurrency` and `rps` Knative's. */
export type ScaleMetric = 'cpu' | 'memory' | 'concurrency' | 'rps';

/** Kubernetes' EnvVarSource, with exactly one field. */
export interface ValueFrom {
  secretKeyRef?: { name: string; key: string; optional?: boolean };
  configMapKeyRef?: { name: string; key: string; optional?: boolean };
  fieldRef?: { fieldPath: string };
}

/** The value of a variable, or where the cluster has it. */
export type Variable = string | { valueFrom: ValueFrom };

/** Kubernetes' Toleration. */
export interface Toleration {
  key?: string;
  operator?: 'Equal' | 'Exists';
  value?: string;
  effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  tolerationSeconds?: number;
}

/** Kubernetes' Volume, with exactly one source. */
export interface Volume {
  name: string;
  emptyDir?: { medium?: 'Memory'; sizeLimit?: string };
  persistentVolumeClaim?: { claimName: string; readOnly?: boolean };
  configMap?: { name: string; optional?: boolean };
  secret?: { secretName: string; optional?: boolean };
}

/** Kubernetes' VolumeMount. */
export interface VolumeMount {
  name: string;
  mountPath: string;
  subPath?: string;
  readOnly?: boolean;
}

/** Settings of an InferenceService besides the image; every field is KServe's or Kubernetes' field of the same name. */
export interface Serving extends LLMServing {
  /** Name of the InferenceService, and of the model in requests; by default the model's. */
  name?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  deploymentMode?: DeploymentMode;
  /** Scheme of the `storageUri`; `oci` by default. */
  storage?: StorageMode;
  /** ServingRuntime or ClusterServingRuntime, instead of the framework's. */
  runtime?: string;
  /** Name of the model format, instead of the framework's. */
  modelFormat?: string;
  /** Protocol that is requested of the runtime, instead of the framework's. */
  protocolVersion?: ProtocolVersion;
  args: string[];
  env: Record<string, Variable>;
  /** Kubernetes quantities by resource. */
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  minReplicas?: number;
  /** 0: no limit. */
  maxReplicas?: number;
  scaleMetric?: ScaleMetric;
  /** Per cent of the requested CPU or memory; requests at once, or per second, of a pod. */
  scaleTarget?: number;
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  volumes?: Volume[];
  volumeMounts?: VolumeMount[];
  /** Names of Secrets. */
  imagePullSecrets: string[];
  serviceAccount?: string;
  /** UID of the model server and of the sidecar, which must be equal. */
  runAsUser?: number;
}
