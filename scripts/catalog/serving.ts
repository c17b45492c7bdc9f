import type { z } from 'zod';
import { annotationKey, mostAnnotationBytes } from '../admission/labels.ts';
import { longestServiceName, serviceName, serviceNamePattern } from '../admission/names.ts';
import { largestInt32 } from '../admission/pods.ts';
import { annotationValues, deploymentModes, scaleMetrics } from '../admission/scaling.ts';
import type { ProtocolVersion, Serving, StorageMode } from '../model/types.ts';
import { list } from '../text/format.ts';
import { didYouMean } from '../text/suggest.ts';
import { checked, complain, listOf, oneLine, recordOf, strict } from './fields.ts';
import { llmFields } from './llm-serving.ts';
import {
  choice,
  env,
  labels,
  objectName,
  resources,
  tolerations,
  volumeMounts,
  volumes,
  whole,
} from './pod-fields.ts';

const protocols = ['v1', 'v2', 'grpc-v1', 'grpc-v2'] as const satisfies ProtocolVersion[];
const storageModes = ['oci', 'oci+native', 'oci+fetch'] as const satisfies StorageMode[];

const replicas = (expected: string) => whole(expected, 0, largestInt32);

/** Fields of `serving:` have these instead of an annotation. */
const annotationFields: Readonly<Record<string, string>> = {
  'serving.kserve.io/deploymentMode': 'deploymentMode',
};

const ownKey = checked('the key of an annotation', (value) => {
  const field = annotationFields[value];
  if (field === undefined) return annotationKey(value);
  return { expected: 'the key of an annotation', hint: `; write \`${field}:\` instead` };
});
const annotationText = checked('a text', (value) => {
  if (value.isWellFormed() && !/(?![\n\r\t])\p{Cc}/u.test(value)) return undefined;
  return { expected: 'a text without control characters' };
});
const annotations = recordOf(
  ownKey,
  annotationText,
  'annotations, as in `{openshift.io/display-name: Iris}`',
).superRefine((value, context) => {
  const bytes = Object.entries(value)
    .flat()
    .reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > mostAnnotationBytes)
    context.addIssue({
      code: 'custom',
      message: `expected at most 256 KiB of annotations, got ${bytes} bytes`,
    });
  for (const [key, words] of Object.entries(annotationValues)) {
    const given = value[key];
    if (given !== undefined && !words.includes(given)) {
      const message = complain(`one of ${list(words, 'or')}`, given, didYouMean(given, words));
      context.addIssue({ code: 'custom', path: [key], message });
    }
  }
});

const fields = {
  ...llmFields,
  labels: labels('labels, as in `{team: search}`')
    .describe("Labels of the InferenceService, and of its pods; a model's are added to the defaults'.")
    .exactOptional(),
  annotations: annotations
    .describe("Annotations of the InferenceService; a model's are added to the defaults'.")
    .exactOptional(),
  deploymentMode: choice(deploymentModes)
    .describe(
      "KServe's deployment mode; before 0.16 `Standard` is `RawDeployment`, and `Knative` is `Serverless`.",
    )
    .exactOptional(),
  storage: choice(storageModes)
    .describe("How KServe gets the image's files: the scheme of `storageUri`.")
    .exactOptional(),
  runtime: objectName('the name of a ServingRuntime')
    .describe("ServingRuntime or ClusterServingRuntime instead of the framework's.")
    .exactOptional(),
  modelFormat: oneLine('the name of a model format', 63)
    .describe("Model format instead of the framework's, where that runtime has another name for it: `vLLM`.")
    .exactOptional(),
  protocolVersion: choice(protocols)
    .describe("Protocol that is requested of the runtime, instead of the framework's: one that it lists.")
    .exactOptional(),
  args: listOf(oneLine('an argument', 4096), 'arguments, as in `[--dtype=half]`')
    .describe('Arguments for the model server, added to those of its runtime.')
    .exactOptional(),
  env: env
    .describe(
      'Environment variables of the model server: texts, or `valueFrom` for what a Secret or ConfigMap has. No secrets as text: they would appear in the manifest.',
    )
    .exactOptional(),
  resources: resources
    .describe("CPU, memory and devices of the model server, instead of its runtime's.")
    .exactOptional(),
  minReplicas: replicas('a number of pods, 0 or more')
    .describe('Fewest pods; 0 to scale to zero with Knative or KEDA.')
    .exactOptional(),
  maxReplicas: replicas('a number of pods, or 0 for no limit')
    .describe('Most pods; 0 for no limit.')
    .exactOptional(),
  scaleMetric: choice(scaleMetrics)
    .describe(
      'What the autoscaler watches: `cpu` or `memory` with Standard, `concurrency` or `rps` with Knative.',
    )
    .exactOptional(),
  scaleTarget: whole('a whole number from 1', 1, largestInt32)
    .describe('Its target: per cent of the requested CPU or memory; requests per pod.')
    .exactOptional(),
  nodeSelector: labels('labels of nodes, as in `{nvidia.com/gpu.product: NVIDIA-L4}`')
    .describe('Labels that the node has to have.')
    .exactOptional(),
  tolerations: tolerations.describe('Taints that the pod tolerates.').exactOptional(),
  volumes: volumes
    .describe('Volumes of the pod: `emptyDir`, `persistentVolumeClaim`, `configMap` or `secret`.')
    .exactOptional(),
  volumeMounts: volumeMounts.describe('Where the model server sees them, as in `/dev/shm`.').exactOptional(),
  imagePullSecrets: listOf(objectName('the name of a Secret'), 'names of Secrets, as in `[quay]`')
    .describe("Secrets with the registry's credentials, in the InferenceService's namespace.")
    .exactOptional(),
  serviceAccount: objectName('the name of a ServiceAccount')
    .describe('ServiceAccount of the pod.')
    .exactOptional(),
  runAsUser: whole('a UID such as 1001', 0, largestInt32)
    .describe(
      'UID of model server and sidecar, where neither OpenShift nor `uidModelcar` of KServe sets one.',
    )
    .exactOptional(),
};

const expected = 'how the model is served, as in `{args: [--dtype=half]}`';

/** `serving:` of the defaults. */
export const defaultServingSchema = strict(expected, fields);

/** `serving:` of a model. */
export const servingSchema = strict(expected, {
  name: checked('the name of an InferenceService', serviceName, {
    pattern: serviceNamePattern.source,
    maxLength: longestServiceName,
  })
    .describe(
      "Name of the InferenceService, and of the model in requests, where the model's own does not fit KServe.",
    )
    .exactOptional(),
  ...fields,
});

export type ServingInput = z.infer<typeof servingSchema>;

/**
 * A model's `serving:` over that of the defaults; variables, labels and annotations are merged. Undefined when both are
 * absent.
 */
export function mergeServing(
  defaults: ServingInput | undefined,
  own: ServingInput | undefined,
): Serving | undefined {
  if (defaults === undefined && own === undefined) return undefined;
  const merged = { ...defaults, ...own };
  return {
    ...merged,
    ...mergedMap('labels', defaults, own),
    ...mergedMap('annotations', defaults, own),
    args: merged.args ?? [],
    env: { ...defaults?.env, ...own?.env },
    imagePullSecrets: merged.imagePullSecrets ?? [],
  };
}

function mergedMap<K extends 'labels' | 'annotations'>(
  field: K,
  defaults: ServingInput | undefined,
  own: ServingInput | undefined,
): { [key in K]?: Record<string, string> } {
  if (defaults?.[field] === undefined && own?.[field] === undefined) return {};
  return { [field]: { ...defaults?.[field], ...own?.[field] } } as { [key in K]: Record<string, string> };
}
