import { ModelcarsError } from '../../errors.ts';
import type { KubernetesObject, Resources } from './inference-service.ts';
import { llamaCppServer } from './llama-cpp.ts';

/** KServe's ServingRuntime (pkg/apis/serving/v1alpha1/servingruntime_types.go), limited to the fields written here. */
export interface ServingRuntime extends KubernetesObject {
  apiVersion: 'serving.kserve.io/v1alpha1';
  kind: 'ServingRuntime';
  spec: RuntimeSpec;
}

interface RuntimeSpec {
  annotations?: Record<string, string>;
  supportedModelFormats: { name: string; version?: string; autoSelect?: boolean; priority?: number }[];
  protocolVersions?: string[];
  containers: {
    name: 'kserve-container';
    image: string;
    command?: string[];
    args?: string[];
    env?: { name: string; value: string }[];
    securityContext: object;
    resources: Resources;
    volumeMounts?: { name: string; mountPath: string }[];
    readinessProbe?: object;
  }[];
  volumes?: object[];
}

const mlserverImage = 'docker.io/seldonio/mlserver:1.7.1';
const resources: Resources = {
  requests: { cpu: '1', memory: '2Gi' },
  limits: { cpu: '1', memory: '2Gi' },
};
const securityContext = {
  allowPrivilegeEscalation: false,
  privileged: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
};
const metrics = (port: string) => ({
  'prometheus.kserve.io/port': port,
  'prometheus.kserve.io/path': '/metrics',
});
const formats = (name: string, ...versions: string[]) =>
  versions.map((version) => ({ name, version, autoSelect: true, priority: 2 }));
const sharedMemory = {
  volumeMounts: [{ name: 'devshm', mountPath: '/dev/shm' }],
  volumes: [{ name: 'devshm', emptyDir: { medium: 'Memory' } }],
};

/** As in config/runtimes/ of KServe 0.20, with a fixed tag instead of `latest`; `modelcars-…` are our own. */
const specs: Record<string, RuntimeSpec> = {
  'kserve-mlserver': {
    annotations: metrics('8080'),
    supportedModelFormats: [
      ...formats('sklearn', '0', '1'),
      ...formats('xgboost', '1', '2'),
      ...formats('lightgbm', '3', '4'),
      ...formats('mlflow', '1', '2').map((one) => ({ ...one, priority: 1 })),
    ],
    protocolVersions: ['v2'],
    containers: [
      {
        name: 'kserve-container',
        image: mlserverImage,
        env: [
          { name: 'MLSERVER_MODEL_IMPLEMENTATION', value: '{{.Labels.modelClass}}' },
          { name: 'MLSERVER_HTTP_PORT', value: '8080' },
          { name: 'MLSERVER_GRPC_PORT', value: '9000' },
          // KServe up to 0.16 relies on the runtime to declare it.
          { name: 'MODELS_DIR', value: '/mnt/models' },
        ],
        securityContext,
        resources,
      },
    ],
  },
  'kserve-openvino': {
    annotations: metrics('8080'),
    supportedModelFormats: [...formats('onnx', '1'), ...formats('tensorflow', '1')],
    protocolVersions: ['v1', 'v2', 'grpc-v2'],
    containers: [
      {
        name: 'kserve-container',
        image: 'docker.io/openvino/model_server:2025.3',
        args: [
          '--model_name={{.Name}}',
          '--model_path=/mnt/models',
          '--port=9000',
          '--rest_port=8080',
          '--file_system_poll_wait_seconds=0',
        ],
        securityContext: { ...securityContext, runAsUser: 5000 },
        resources,
      },
    ],
  },
  'kserve-tritonserver': {
    annotations: metrics('8002'),
    supportedModelFormats: formats('onnx', '1'),
    protocolVersions: ['v2', 'grpc-v2'],
    containers: [
      {
        name: 'kserve-container',
        image: 'nvcr.io/nvidia/tritonserver:23.05-py3',
        args: [
          'tritonserver',
          '--model-store=/mnt/models',
          '--grpc-port=9000',
          '--http-port=8080',
          '--allow-grpc=true',
          '--allow-http=true',
        ],
        securityContext: { ...securityContext, runAsUser: 1000 },
        resources,
      },
    ],
  },
  'kserve-tensorflow-serving': {
    annotations: metrics('8080'),
    supportedModelFormats: formats('tensorflow', '1', '2'),
    protocolVersions: ['v1', 'grpc-v1'],
    containers: [
      {
        name: 'kserve-container',
        image: 'docker.io/tensorflow/serving:2.6.2',
        command: ['/usr/bin/tensorflow_model_server'],
        args: [
          '--model_name={{.Name}}',
          '--port=9000',
          '--rest_api_port=8080',
          '--model_base_path=/mnt/models',
          '--rest_api_timeout_in_ms=60000',
        ],
        securityContext: { ...securityContext, runAsUser: 1000 },
        resources,
      },
    ],
  },
  'kserve-pmmlserver': {
    annotations: metrics('8080'),
    supportedModelFormats: [
      { name: 'pmml', version: '3', autoSelect: true, priority: 1 },
      { name: 'pmml', version: '4', autoSelect: true, priority: 1 },
    ],
    protocolVersions: ['v1', 'v2'],
    containers: [
      {
        name: 'kserve-container',
        image: 'docker.io/kserve/pmmlserver:v0.16.0',
        args: ['--model_name={{.Name}}', '--model_dir=/mnt/models', '--http_port=8080'],
        securityContext,
        resources,
      },
    ],
  },
  'kserve-huggingfaceserver': {
    annotations: metrics('8080'),
    supportedModelFormats: formats('huggingface', '1'),
    protocolVersions: ['v2', 'v1'],
    containers: [
      {
        name: 'kserve-container',
        image: 'docker.io/kserve/huggingfaceserver:v0.16.0',
        args: ['--model_name={{.Name}}'],
        securityContext,
        resources,
        volumeMounts: sharedMemory.volumeMounts,
      },
    ],
    volumes: sharedMemory.volumes,
  },
  'kserve-vllmserver': {
    annotations: metrics('8080'),
    supportedModelFormats: formats('vLLM', '1'),
    containers: [
      {
        name: 'kserve-container',
        image: 'docker.io/vllm/vllm-openai:v0.11.0',
        command: ['python3', '-m', 'vllm.entrypoints.openai.api_server'],
        args: ['--port=8080', '--served-model-name={{.Name}}', '--model=/mnt/models'],
        env: [
          { name: 'HF_HOME', value: '/tmp' },
          { name: 'VLLM_CONFIG_ROOT', value: '/tmp' },
        ],
        securityContext: {
          allowPrivilegeEscalation: false,
          privileged: false,
          capabilities: { drop: ['ALL'] },
        },
        resources,
        volumeMounts: sharedMemory.volumeMounts,
      },
    ],
    volumes: sharedMemory.volumes,
  },
  // The image of kserve-mlserver has the runtime, but KServe never chooses it and leaves these variables unset.
  'modelcars-catboost': {
    annotations: metrics('8080'),
    supportedModelFormats: [{ name: 'catboost', autoSelect: true, priority: 1 }],
    protocolVersions: ['v2'],
    containers: [
      {
        name: 'kserve-container',
        image: mlserverImage,
        env: [
          { name: 'MLSERVER_MODEL_IMPLEMENTATION', value: 'mlserver_catboost.CatboostModel' },
          { name: 'MLSERVER_MODEL_NAME', value: '{{.Name}}' },
          { name: 'MLSERVER_MODEL_URI', value: '/mnt/models' },
          { name: 'MLSERVER_HTTP_PORT', value: '8080' },
          { name: 'MLSERVER_GRPC_PORT', value: '9000' },
          { name: 'MODELS_DIR', value: '/mnt/models' },
        ],
        securityContext,
        resources,
      },
    ],
  },
  'modelcars-llamacpp': {
    supportedModelFormats: [{ name: 'gguf', autoSelect: true, priority: 1 }],
    containers: [
      {
        ...llamaCppServer,
        securityContext: { ...securityContext, runAsUser: 1000 },
        // As many threads as the node has cores would wait for each other under a limit of CPU.
        resources: { requests: resources.requests ?? {}, limits: { memory: '2Gi' } },
      },
    ],
  },
};

/** The runtimes that `servingRuntime` knows. */
export const knownRuntimes = Object.keys(specs);

/**
 * A ServingRuntime for a namespace whose cluster lacks it; applying it needs no permission outside that namespace.
 * `image` replaces KServe's image of the model server. Fails with code `usage` for an unknown runtime.
 */
export function servingRuntime(
  name: string,
  { namespace, image }: { namespace?: string; image?: string } = {},
): ServingRuntime {
  const spec = specs[name];
  if (spec === undefined) {
    throw new ModelcarsError('usage', `write ServingRuntime ${name}: unknown runtime`, {
      next: `apply your own and omit --with-runtime; known runtimes: ${knownRuntimes.join(', ')}`,
    });
  }
  const [server, ...others] = structuredClone(spec.containers);
  const containers =
    server === undefined ? [] : [{ ...server, ...(image !== undefined && { image }) }, ...others];
  return {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ServingRuntime',
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    spec: { ...spec, containers },
  };
}
