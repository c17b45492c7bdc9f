import type {
  DeploymentMode,
  Framework,
  Model,
  ProtocolVersion,
  ScaleMetric,
  Serving,
  Toleration,
  Volume,
  VolumeMount,
} from '../../model/types.ts';
import type { Mode, Security } from '../types.ts';
import { containerSecurity, podSecurity, type SecurityContext } from './security-context.ts';
import { servedBy, serverArguments } from './served-by.ts';
import { storedMounts, storedResources, storedVolumes } from './stored-form.ts';
import { type EnvVar, envVars } from './variables.ts';

/** Kubernetes' ObjectMeta, limited to the fields written here. */
export interface Metadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Any object of the Kubernetes API. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  [field: string]: unknown;
}

export interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

/** KServe's PredictorSpec (pkg/apis/serving/v1beta1/predictor.go), limited to the fields written here. */
export interface Predictor {
  minReplicas?: number;
  maxReplicas?: number;
  scaleMetric?: ScaleMetric;
  scaleTarget?: number;
  serviceAccountName?: string;
  imagePullSecrets?: { name: string }[];
  securityContext?: SecurityContext;
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  volumes?: Volume[];
  model: {
    modelFormat: { name: string; version?: string };
    runtime: string;
    protocolVersion?: ProtocolVersion;
    storageUri: string;
    args?: string[];
    env?: EnvVar[];
    resources?: Resources;
    volumeMounts?: VolumeMount[];
    securityContext?: SecurityContext;
  };
}

/** KServe's InferenceService, v1beta1: the version that all releases since 0.6 serve. */
export interface InferenceService extends KubernetesObject {
  apiVersion: 'serving.kserve.io/v1beta1';
  kind: 'InferenceService';
  spec: { predictor: Predictor };
}

export interface ManifestOptions {
  /** `quay.io/me/iris@sha256:…`. */
  image: string;
  /** That of models.yaml by default (see `serviceName`); also the model's name in requests. */
  name?: string;
  namespace?: string;
  /** That of models.yaml by default, and `oci` without one. */
  mode?: Mode;
  /** `runtime` (sets nothing) by default; `user` is the UID for `openshift`. */
  security?: { as: Security; user: number };
  /** Secrets for a private registry, in addition to those of models.yaml. */
  pullSecrets?: readonly string[];
  labels?: Record<string, string>;
  /**
   * One pod of a plain Deployment, regardless of models.yaml and the cluster's default. The mode is `RawDeployment`,
   * which every KServe since 0.13 accepts; the newer name `Standard` (pkg/constants/constants.go) is known since 0.16
   * only.
   */
  single?: boolean;
}

/** The name of a model's InferenceService, and of the model in requests. */
export function serviceName({ name, serving }: Model): string {
  return serving?.name ?? name;
}

const modeAnnotation = 'serving.kserve.io/deploymentMode';
const autoscalerAnnotation = 'serving.kserve.io/autoscalerClass';

/** The InferenceService that serves a model's image; `image` is written as given, usually by digest. */
export function inferenceService(
  model: Model,
  framework: Framework,
  options: ManifestOptions,
): InferenceService {
  const { serving } = model;
  const { name = serviceName(model), namespace, single = false } = options;
  const labels = { ...serving?.labels, ...options.labels };
  const annotations = annotationsOf(serving, single);
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
    spec: { predictor: predictor(model, framework, options) },
  };
}

function annotationsOf(serving: Serving | undefined, single: boolean): Record<string, string> {
  const mode: DeploymentMode | undefined = single ? 'RawDeployment' : serving?.deploymentMode;
  const annotations: Record<string, string> = {
    ...serving?.annotations,
    ...(mode !== undefined && { [modeAnnotation]: mode }),
  };
  // One pod needs no autoscaler, and a cluster can lack KEDA.
  if (single) delete annotations[autoscalerAnnotation];
  return annotations;
}

function predictor(
  model: Model,
  framework: Framework,
  { image, mode, security, pullSecrets = [], single = false }: ManifestOptions,
): Predictor {
  const { serving = none } = model;
  const secrets = [...new Set([...serving.imagePullSecrets, ...pullSecrets])];
  const env = envVars(serving);
  const { runtime, modelFormat, protocolVersion } = servedBy(model, framework);
  const args = serverArguments(model, framework);
  const { runAsUser: user, serviceAccount, volumes = [], volumeMounts = [], tolerations = [] } = serving;
  const pod = security === undefined ? undefined : podSecurity(security.as, security.user);
  const server = security === undefined ? undefined : containerSecurity(security.as, security.user);
  const own = user === undefined ? undefined : { runAsUser: user };
  return {
    ...(single ? { minReplicas: 1, maxReplicas: 1 } : scaling(serving)),
    ...(serviceAccount !== undefined && { serviceAccountName: serviceAccount }),
    ...(secrets.length > 0 && { imagePullSecrets: secrets.map((name) => ({ name })) }),
    ...((pod ?? own) && { securityContext: { ...own, ...pod } }),
    ...(serving.nodeSelector !== undefined && { nodeSelector: serving.nodeSelector }),
    ...(tolerations.length > 0 && { tolerations }),
    ...(volumes.length > 0 && { volumes: storedVolumes(volumes) }),
    model: {
      modelFormat,
      runtime,
      ...(protocolVersion !== undefined && { protocolVersion }),
      storageUri: `${mode ?? serving.storage ?? 'oci'}://${image}`,
      ...(args.length > 0 && { args }),
      ...(env.length > 0 && { env }),
      ...(serving.resources && { resources: storedResources(serving.resources) }),
      ...(volumeMounts.length > 0 && { volumeMounts: storedMounts(volumeMounts) }),
      ...((server ?? own) && { securityContext: { ...own, ...server } }),
    },
  };
}

const none: Serving = { args: [], env: {}, imagePullSecrets: [] };

function scaling({ minReplicas, maxReplicas, scaleMetric, scaleTarget }: Serving): Partial<Predictor> {
  return {
    ...(minReplicas !== undefined && { minReplicas }),
    // 0 is the default, and not stored.
    ...(maxReplicas !== undefined && maxReplicas > 0 && { maxReplicas }),
    ...(scaleMetric !== undefined && { scaleMetric }),
    ...(scaleTarget !== undefined && { scaleTarget }),
  };
}
