import type { Framework, Model } from '../../model/types.ts';
import type { Mode, Security } from '../types.ts';
import { containerSecurity, podSecurity, type SecurityContext } from './security-context.ts';

/** Kubernetes' ObjectMeta, as far as we write it. */
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

/** KServe's PredictorSpec (pkg/apis/serving/v1beta1/predictor.go), as far as we write it. */
export interface Predictor {
  minReplicas?: number;
  maxReplicas?: number;
  serviceAccountName?: string;
  imagePullSecrets?: { name: string }[];
  securityContext?: SecurityContext;
  model: {
    modelFormat: { name: string; version?: string };
    runtime: string;
    protocolVersion?: 'v1' | 'v2';
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
  /** The model's by default; also what requests call the model. */
  name?: string;
  namespace?: string;
  mode?: Mode;
  /** `runtime` (nothing is said) by default; with the UID of `openshift`. */
  security?: { as: Security; user: number };
  /** Secrets for a private registry, besides those of models.yaml. */
  pullSecrets?: readonly string[];
  labels?: Record<string, string>;
  /**
   * Ask for a plain Deployment, whatever the cluster's default is. Said as `RawDeployment`, which every KServe from 0.13 on takes: since
   * 0.16 its name is `Standard` (pkg/constants/constants.go), which older ones do not know.
   */
  raw?: boolean;
  /** Exactly one pod, so that there is one to look at. */
  single?: boolean;
}

/** The InferenceService that serves a model's image, pinned by whatever `image` says. */
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
  const { protocolVersion } = framework;
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
      modelFormat: serving?.modelFormat === undefined ? framework.modelFormat : { name: serving.modelFormat },
      runtime: serving?.runtime ?? framework.runtime,
      // KServe has no name for OpenAI's protocol; without one it means v1, which these runtimes list (or list none).
      ...(protocolVersion !== 'openai' && { protocolVersion }),
      storageUri: `${mode}://${image}`,
      ...(serving && serving.args.length > 0 && { args: serving.args }),
      ...(env.length > 0 && { env }),
      ...(serving?.resources && { resources: serving.resources }),
      ...((server ?? own) && { securityContext: { ...own, ...server } }),
    },
  };
}
