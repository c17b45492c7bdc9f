import { formats, metrics, resources, securityContext, serverType, sharedMemory } from './common.ts';
import type { RuntimeDefinition } from './types.ts';

/** MLServer's image, for KServe's runtime and our own. */
export const mlserverImage = 'docker.io/seldonio/mlserver:1.7.1';

/**
 * The runtimes of config/runtimes/ of KServe 0.20 that frameworks use, with the images of its release
 * (install/v0.20.0/kserve-cluster-resources.yaml); kserve-openvino is only in the source, with an image to fill in.
 * tests/judges/runtimes.test.ts compares them with KServe's files.
 */
export const kserveRuntimes: Record<string, RuntimeDefinition> = {
  'kserve-mlserver': {
    annotations: serverType('mlserver'),
    spec: {
      annotations: metrics('8080'),
      supportedModelFormats: [
        ...formats('sklearn', 2, '0', '1'),
        ...formats('xgboost', 2, '1', '2'),
        ...formats('lightgbm', 2, '3', '4'),
        ...formats('mlflow', 1, '1', '2'),
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
  },
  'kserve-openvino': {
    annotations: serverType('ovms'),
    spec: {
      annotations: metrics('8080'),
      supportedModelFormats: [
        ...formats('openvino', 1, '10'),
        ...formats('onnx', 2, '1'),
        ...formats('tensorflow', 3, '1'),
        { name: 'huggingface', autoSelect: true },
      ],
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
  },
  'kserve-tritonserver': {
    annotations: serverType('tritonserver'),
    spec: {
      annotations: metrics('8002'),
      supportedModelFormats: [
        ...formats('tensorrt', 1, '8'),
        ...formats('tensorflow', 1, '1', '2'),
        ...formats('onnx', 1, '1'),
        { name: 'pytorch', version: '1' },
        ...formats('triton', 1, '2'),
      ],
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
  },
  'kserve-tensorflow-serving': {
    annotations: serverType('tensorflow-serving'),
    spec: {
      annotations: metrics('8080'),
      supportedModelFormats: formats('tensorflow', 2, '1', '2'),
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
  },
  'kserve-pmmlserver': {
    annotations: serverType('pmmlserver'),
    spec: {
      annotations: metrics('8080'),
      supportedModelFormats: formats('pmml', 1, '3', '4'),
      protocolVersions: ['v1', 'v2'],
      containers: [
        {
          name: 'kserve-container',
          image: 'docker.io/kserve/pmmlserver:v0.20.0',
          args: ['--model_name={{.Name}}', '--model_dir=/mnt/models', '--http_port=8080'],
          securityContext,
          resources,
        },
      ],
    },
  },
  'kserve-huggingfaceserver': {
    annotations: serverType('huggingfaceserver'),
    spec: {
      annotations: metrics('8080'),
      supportedModelFormats: formats('huggingface', 1, '1'),
      protocolVersions: ['v2', 'v1'],
      containers: [
        {
          name: 'kserve-container',
          image: 'docker.io/kserve/huggingfaceserver:v0.20.0',
          args: ['--model_name={{.Name}}'],
          env: [{ name: 'LMCACHE_USE_EXPERIMENTAL', value: 'True' }],
          securityContext,
          resources,
          volumeMounts: sharedMemory.volumeMounts,
        },
      ],
      volumes: sharedMemory.volumes,
    },
  },
  // Without a GPU in the InferenceService, KServe turns the image into `vllm-openai-cpu` (UpdateImageTag).
  'kserve-vllmserver': {
    annotations: serverType('vllmserver'),
    spec: {
      annotations: metrics('8080'),
      supportedModelFormats: formats('vLLM', 1, '1'),
      containers: [
        {
          name: 'kserve-container',
          image: 'docker.io/vllm/vllm-openai:v0.20.0',
          command: ['python', '-m', 'vllm.entrypoints.openai.api_server'],
          args: ['--port=8080', '--served-model-name={{.Name}}', '--model=/mnt/models'],
          env: [
            { name: 'LMCACHE_USE_EXPERIMENTAL', value: 'True' },
            { name: 'HF_HOME', value: '/tmp' },
            { name: 'VLLM_CONFIG_ROOT', value: '/tmp' },
            { name: 'VLLM_WORKER_MULTIPROC_METHOD', value: 'spawn' },
          ],
          securityContext: {
            allowPrivilegeEscalation: false,
            privileged: false,
            capabilities: { drop: ['ALL'] },
          },
          resources,
          readinessProbe: {
            httpGet: { path: '/v1/models', port: 8080 },
            failureThreshold: 3,
            periodSeconds: 10,
            successThreshold: 1,
            timeoutSeconds: 5,
          },
          // Half an hour to load a large model.
          startupProbe: {
            httpGet: { path: '/v1/models', port: 8080 },
            failureThreshold: 60,
            periodSeconds: 30,
            successThreshold: 1,
            timeoutSeconds: 10,
            initialDelaySeconds: 30,
          },
          volumeMounts: sharedMemory.volumeMounts,
        },
      ],
      volumes: sharedMemory.volumes,
    },
  },
};
