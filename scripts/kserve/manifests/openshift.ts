/** What OpenShift AI and Open Data Hub have of their own: runtimes, and the metadata that their dashboard reads. */
import { ModelcarsError } from '../../errors.ts';
import type { Framework, Model } from '../../model/types.ts';
import type { KubernetesObject } from './inference-service.ts';

type Chosen = Pick<Framework, 'runtime' | 'protocolVersion' | 'modelFormat'>;

/** Devices of accelerators → vLLM's runtime, by `opendatahub.io/recommended-accelerators` of its template. */
const byDevice: [device: RegExp, runtime: (model: Model) => string][] = [
  [/^nvidia\.com\//, () => 'vllm-cuda-runtime'],
  [/^amd\.com\/gpu$/, () => 'vllm-rocm-runtime'],
  [/^habana\.ai\/gaudi$/, () => 'vllm-gaudi-runtime'],
  [/^ibm\.com\/spyre_vf$/, () => 'vllm-spyre-s390x-runtime'],
  [
    /^ibm\.com\/spyre_pf$/,
    ({ platforms }) =>
      platforms.includes('linux/ppc64le') ? 'vllm-spyre-ppc64le-runtime' : 'vllm-spyre-x86-runtime',
  ],
];

const mlserver: Chosen = { runtime: 'mlserver-runtime', protocolVersion: 'v2' };
/** The template lists no v1. */
const openvino: Chosen = { runtime: 'kserve-ovms', protocolVersion: 'v2' };

/** The built-in frameworks that the templates of odh-model-controller's config/runtimes/ serve. */
const served: Record<string, (model: Model) => Chosen> = {
  sklearn: () => mlserver,
  xgboost: () => mlserver,
  lightgbm: () => mlserver,
  onnx: () => openvino,
  tensorflow: () => openvino,
  vllm: (model) => ({ runtime: vllmRuntime(model), modelFormat: { name: 'vLLM' } }),
};
/** Those that none of them serves. */
const unserved: ReadonlySet<string> = new Set([
  'catboost',
  'gguf',
  'huggingface',
  'mlflow',
  'onnx-triton',
  'pmml',
]);

/**
 * The framework as OpenShift AI serves it: with the ServingRuntime that its dashboard offers for the model format, and
 * that runtime's protocol. A runtime that `serving:` names stays. Fails with code `catalog` for a framework that
 * OpenShift AI has no runtime for, and for an accelerator that it does not know.
 */
export function onOpenshift(model: Model, framework: Framework): Framework {
  const chosen = Object.hasOwn(served, framework.name) ? served[framework.name] : undefined;
  if (model.serving?.runtime !== undefined) {
    // All its vLLM runtimes have one format, and KServe's another.
    return /^vllm-/.test(model.serving.runtime) ? { ...framework, modelFormat: { name: 'vLLM' } } : framework;
  }
  if (chosen !== undefined) return { ...framework, ...chosen(model), args: [] };
  if (!unserved.has(framework.name)) return framework;
  throw new ModelcarsError(
    'catalog',
    `serve model ${model.name}: OpenShift AI has no ServingRuntime for framework ${framework.name}`,
    {
      next: `name one that your project has, with \`serving: {runtime: NAME}\`; \`runtime: ${framework.runtime}\` and --with-runtime print ${/^kserve-/.test(framework.runtime ?? '') ? "KServe's" : 'that of modelcars'}`,
    },
  );
}

/** Whether a model gets a vLLM runtime for CPUs because `serving:` requests no accelerator. */
export function lacksAccelerator(runtime: string | undefined): boolean {
  return runtime?.startsWith('vllm-cpu-') === true;
}

function vllmRuntime(model: Model): string {
  const { requests = {}, limits = {} } = model.serving?.resources ?? {};
  const devices = Object.keys({ ...requests, ...limits }).filter((name) => name.includes('/'));
  const match = byDevice.find(([device]) => devices.some((name) => device.test(name)));
  if (match !== undefined) return match[1](model);
  const [device] = devices;
  const cpu = model.platforms.includes('linux/amd64')
    ? 'vllm-cpu-x86-runtime'
    : model.platforms.some((platform) => /^linux\/(ppc64le|s390x)$/.test(platform))
      ? 'vllm-cpu-runtime'
      : undefined;
  if (device === undefined && cpu !== undefined) return cpu;
  throw new ModelcarsError(
    'catalog',
    `serve model ${model.name}: OpenShift AI has no vLLM runtime for ${device ?? `CPUs of ${model.platforms.join(', ')}`}`,
    { next: 'name one that your project has, with `serving: {runtime: NAME}`' },
  );
}

/**
 * Adds the labels and annotations of a model that was deployed in the dashboard (opendatahub-io/odh-dashboard
 * packages/kserve/src/deployModel.ts, packages/llmd-serving/src/deployments/deploy.ts): with them it lists the model and
 * lets people edit it. Those that the object has stay.
 */
export function inDashboard<T extends KubernetesObject>(object: T, framework: Framework): T {
  const { metadata, kind } = object;
  const isGenerative = kind === 'LLMInferenceService' || framework.modelFormat?.name === 'vLLM';
  const annotations = {
    'openshift.io/display-name': metadata.name,
    'opendatahub.io/model-type': isGenerative ? 'generative' : 'predictive',
    // Open Data Hub protects an LLMInferenceService unless an annotation says otherwise, and no InferenceService.
    ...(kind === 'InferenceService' && {
      'security.opendatahub.io/enable-auth': 'false',
      'serving.kserve.io/deploymentMode': 'RawDeployment',
    }),
  };
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { 'opendatahub.io/dashboard': 'true', ...metadata.labels },
      annotations: { ...annotations, ...metadata.annotations },
    },
  };
}
