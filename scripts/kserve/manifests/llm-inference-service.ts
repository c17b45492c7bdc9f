import { ModelcarsError } from '../../errors.ts';
import type {
  Framework,
  Model,
  Parallelism,
  Router,
  Serving,
  Toleration,
  Volume,
  VolumeMount,
} from '../../model/types.ts';
import { shellWord } from '../../text/shell.ts';
import type { KubernetesObject, ManifestOptions, Resources } from './inference-service.ts';
import type { SecurityContext } from './security-context.ts';
import { storedMounts, storedResources, storedVolumes } from './stored-form.ts';
import { type EnvVar, envVars } from './variables.ts';

/** Kubernetes' PodSpec, limited to the fields written here. */
export interface LLMPod {
  serviceAccountName?: string;
  imagePullSecrets?: { name: string }[];
  securityContext?: SecurityContext;
  nodeSelector?: Record<string, string>;
  tolerations?: Toleration[];
  volumes?: Volume[];
  containers: [
    {
      name: 'main';
      image?: string;
      args?: string[];
      env?: EnvVar[];
      resources?: Resources;
      volumeMounts?: VolumeMount[];
      securityContext?: SecurityContext;
    },
  ];
}

/**
 * KServe's LLMInferenceService (pkg/apis/serving/v1alpha2/llm_inference_service_types.go), limited to the fields written
 * here. v1alpha2 exists since KServe 0.17, and arguments of the container `main` reach vLLM since 0.18.
 */
export interface LLMInferenceService extends KubernetesObject {
  apiVersion: 'serving.kserve.io/v1alpha2';
  kind: 'LLMInferenceService';
  spec: {
    model: { uri: string; name: string };
    replicas?: number;
    parallelism?: Parallelism;
    router?: Router;
    template?: LLMPod;
    worker?: LLMPod;
  };
}

/** What KServe's samples switch on: an HTTPRoute at the cluster's Gateway, and the scheduler behind it. */
const everyRoute: Router = { gateway: {}, route: {}, scheduler: {} };

/** Formats of frameworks whose files `vllm serve /mnt/models` reads. */
const vllmFormats: ReadonlySet<string> = new Set(['huggingface', 'vLLM']);

/**
 * The LLMInferenceService that serves a model's image by vLLM, which KServe's own presets (config/llmisvcconfig/) start:
 * no ServingRuntime is involved. `serverImage` replaces the presets' image, which is for NVIDIA's GPUs. Its controller
 * takes `oci://` and `oci+native://` (pkg/controller/v1alpha2/llmisvc/workload_storage.go). Fails with code `catalog` for a model that vLLM does not serve, and for what the controller
 * would accept and then never serve.
 */
export function llmInferenceService(
  model: Model,
  framework: Framework,
  options: ManifestOptions & { serverImage?: string },
): LLMInferenceService {
  const { serving } = model;
  const { image, name = serving?.name ?? model.name, namespace, mode = serving?.storage ?? 'oci' } = options;
  const labels = { ...serving?.labels, ...options.labels };
  checkServer(model, framework);
  checkName(model, name);
  checkFields(model);
  if (mode === 'oci+fetch') {
    throw refusal(model, 'KServe reads its images by oci:// and oci+native:// only, not oci+fetch://', {
      next: 'choose one of these, or `kind: InferenceService`',
    });
  }
  const pod = podOf(model, options);
  const { parallelism, router = everyRoute } = serving ?? {};
  return {
    apiVersion: 'serving.kserve.io/v1alpha2',
    kind: 'LLMInferenceService',
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(Object.keys(labels).length > 0 && { labels }),
      ...(serving?.annotations && { annotations: serving.annotations }),
    },
    spec: {
      model: { uri: `${mode}://${image}`, name },
      ...replicasOf(model),
      ...(parallelism && { parallelism }),
      ...(Object.keys(router).length > 0 && { router }),
      ...(pod && { template: pod }),
      // Without `worker`, KServe ignores data parallelism: the preset of a single node knows `tensor` alone.
      ...(parallelism?.data !== undefined && { worker: structuredClone(pod ?? bare) }),
    },
  };
}

const bare: LLMPod = { containers: [{ name: 'main' }] };

/** What `serving:` sets of the pod; undefined when it sets nothing, and the preset alone applies. */
function podOf(
  model: Model,
  { pullSecrets = [], serverImage }: Pick<ManifestOptions, 'pullSecrets'> & { serverImage?: string },
): LLMPod | undefined {
  const { serving } = model;
  const secrets = [...new Set([...(serving?.imagePullSecrets ?? []), ...pullSecrets])];
  const env = envVars(serving);
  const args = serving?.args ?? [];
  const user = serving?.runAsUser;
  const own = user === undefined ? undefined : { runAsUser: user };
  for (const text of [...args, ...env.flatMap((one) => ('value' in one ? one.value : []))])
    checkTemplate(model, text);
  const { nodeSelector, tolerations, volumes, volumeMounts } = serving ?? {};
  const pod: LLMPod = {
    ...(serving?.serviceAccount !== undefined && { serviceAccountName: serving.serviceAccount }),
    ...(secrets.length > 0 && { imagePullSecrets: secrets.map((name) => ({ name })) }),
    ...(own && { securityContext: own }),
    ...(nodeSelector && { nodeSelector }),
    ...(tolerations && { tolerations }),
    ...(volumes && { volumes: storedVolumes(volumes) }),
    containers: [
      {
        name: 'main',
        ...(serverImage !== undefined && { image: serverImage }),
        // The preset passes them to vLLM through the shell's `eval`.
        ...(args.length > 0 && { args: args.map(shellWord) }),
        ...(env.length > 0 && { env }),
        ...(serving?.resources && { resources: storedResources(serving.resources) }),
        ...(volumeMounts && { volumeMounts: storedMounts(volumeMounts) }),
        ...(own && { securityContext: own }),
      },
    ],
  };
  const isBare = Object.keys(pod).length === 1 && Object.keys(pod.containers[0]).length === 1;
  return isBare ? undefined : pod;
}

/** Fields of an InferenceService that KServe has no equal of here. */
function checkFields(model: Model): void {
  const others = ['deploymentMode', 'scaleMetric', 'scaleTarget'] as const satisfies (keyof Serving)[];
  const fields = others.filter((field) => model.serving?.[field] !== undefined);
  if (fields.length === 0) return;
  throw refusal(model, `an LLMInferenceService has no ${fields.join(' and no ')}`, {
    next: `remove ${fields.join(' and ')} from its \`serving:\``,
  });
}

/** KServe scales an LLMInferenceService by KEDA or its own autoscaler, which need settings of the cluster. */
function replicasOf(model: Model): { replicas?: number } {
  const { minReplicas, maxReplicas = minReplicas } = model.serving ?? {};
  if (minReplicas === undefined && maxReplicas === undefined) return {};
  if (minReplicas === maxReplicas && minReplicas !== undefined) return { replicas: minReplicas };
  throw refusal(model, 'an LLMInferenceService has a fixed number of pods here', {
    next: 'give `minReplicas` alone, and add `scaling` with kustomize',
  });
}

function checkServer({ name, serving }: Model, framework: Framework): void {
  const format = serving?.modelFormat ?? framework.modelFormat?.name;
  if (format !== undefined && vllmFormats.has(format)) return;
  throw new ModelcarsError(
    'catalog',
    `serve model ${name}: an LLMInferenceService serves by vLLM, which does not read framework ${framework.name}`,
    {
      next: "remove `kind: LLMInferenceService` from the model's `serving:`, or set `kind: InferenceService`",
    },
  );
}

/**
 * KServe names a Service `NAME-kserve-workload-svc`, shortened to 63 characters by a hash (kmeta.ChildName): its name has
 * to start with a letter, and the whole NAME is the value of the label `app.kubernetes.io/name`.
 */
function checkName(model: Model, name: string): void {
  if (name.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name)) return;
  throw refusal(
    model,
    `KServe names a Service after its LLMInferenceService, and \`${name}\` is no name for one`,
    { next: 'take a name of at most 63 lower-case letters, digits and `-` that starts with a letter' },
  );
}

/** KServe fills in templates everywhere in the object (`ReplaceVariables` in config_merge.go). */
function checkTemplate(model: Model, text: string): void {
  if (!text.includes('{{')) return;
  throw refusal(model, `KServe would read \`{{\` in \`${text.slice(0, 60)}\` as a template of its own`, {
    next: 'put the text into a file of the model (`files:`), and give vLLM its path below /mnt/models',
  });
}

function refusal({ name }: Model, why: string, { next }: { next: string }): ModelcarsError {
  return new ModelcarsError('catalog', `serve model ${name}: ${why}`, { next });
}
