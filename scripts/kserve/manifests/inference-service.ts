import type { Framework, Model, ProtocolVersion } from '../../model/types.ts';
import type { Mode, Security } from '../types.ts';
import { containerSecurity, podSecurity, type SecurityContext } from './security-context.ts';
import { servedBy, serverArguments } from './served-by.ts';

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
  serviceAccountName?: string;
  imagePullSecrets?: { name: string }[];
  securityContext?: SecurityContext;
  model: {
    modelFormat: { name: string; version?: string };
    runtime: string;
    protocolVersion?: ProtocolVersion;
    storageUri: string;
    args?: string[];
    env?: { name: string; value: string }[];
    resources?: Resources;
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
  /** The model's name by default; also its name in requests. */
  name?: string;
  namespace?: string;
  mode?: Mode;
  /** `runtime` (sets nothing) by default; `user` is the UID for `openshift`. */
  security?: { as: Security; user: number };
  /** Secrets for a private registry, in addition to those of models.yaml. */
  pullSecrets?: readonly string[];
  labels?: Record<string, string>;
  /**
   * Request a plain Deployment, regardless of the cluster's default. The value is `RawDeployment`, which every KServe
   * since 0.13 accepts; the newer name `Standard` (pkg/constants/constants.go) is known since 0.16 only.
   */
  raw?: boolean;
  /** Exactly one pod. */
  single?: boolean;
}

/** The InferenceService that serves a model's image; `image` is written as given, usually by digest. */
export function inferenceService(
  model: Model,
  framework: Framework,
  options: ManifestOptions,
): InferenceService {
  const { name = model.name, namespace, mode = 'oci', labels, raw } = options;
  const annotations = raw ? { 'serving.kserve.io/deploymentMode': 'RawDeployment' } : undefined;
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
    spec: { predictor: predictor(model, framework, { ...options, mode }) },
  };
}

function predictor(
  model: Model,
  framework: Framework,
  { image, mode, security, pullSecrets = [], single }: ManifestOptions & { mode: Mode },
): Predictor {
  const { serving } = model;
  const secrets = [...new Set([...(serving?.imagePullSecrets ?? []), ...pullSecrets])];
  const env = Object.entries(serving?.env ?? {}).map(([name, value]) => ({ name, value }));
  const { runtime, modelFormat, protocolVersion } = servedBy(model, framework);
  const args = serverArguments(model, framework);
  const user = serving?.runAsUser;
  const pod = security === undefined ? undefined : podSecurity(security.as, security.user);
  const server = security === undefined ? undefined : containerSecurity(security.as, security.user);
  const own = user === undefined ? undefined : { runAsUser: user };
  return {
    ...(single && { minReplicas: 1, maxReplicas: 1 }),
    ...(serving?.serviceAccount !== undefined && { serviceAccountName: serving.serviceAccount }),
    ...(secrets.length > 0 && { imagePullSecrets: secrets.map((name) => ({ name })) }),
    ...((pod ?? own) && { securityContext: { ...own, ...pod } }),
    model: {
      modelFormat,
      runtime,
      ...(protocolVersion !== undefined && { protocolVersion }),
      storageUri: `${mode}://${image}`,
      ...(args.length > 0 && { args }),
      ...(env.length > 0 && { env }),
      ...(serving?.resources && { resources: serving.resources }),
      ...((server ?? own) && { securityContext: { ...own, ...server } }),
    },
  };
}
