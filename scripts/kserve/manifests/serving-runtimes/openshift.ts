import type { RuntimeContainer, RuntimeDefinition } from './types.ts';

/** What differs between the templates of vLLM. */
interface VllmVariant {
  displayName: string;
  image: string;
  accelerator?: string;
  autoSelect?: false;
}

/**
 * The annotations and the label of a ServingRuntime that OpenShift AI's dashboard instantiates from its templates
 * (opendatahub-io/odh-dashboard packages/kserve/src/deployServer.ts, `assembleServingRuntime`): it shows the name, and
 * finds the template again by them.
 */
function metadata(
  template: string,
  displayName: string,
  version: string,
  more: Record<string, string> = {},
): Pick<RuntimeDefinition, 'labels' | 'annotations'> {
  return {
    labels: { 'opendatahub.io/dashboard': 'true' },
    annotations: {
      'openshift.io/display-name': displayName,
      'opendatahub.io/runtime-version': version,
      'opendatahub.io/template-name': template,
      'opendatahub.io/template-display-name': displayName,
      'opendatahub.io/serving-runtime-scope': 'global',
      ...more,
    },
  };
}

const recommended = (accelerator: string) => ({
  'opendatahub.io/recommended-accelerators': JSON.stringify([accelerator]),
});
const scraped = (kind: string, port: string) => ({
  'opendatahub.io/kserve-runtime': kind,
  'prometheus.io/port': port,
  'prometheus.io/path': '/metrics',
});
const port = (containerPort: number): Pick<RuntimeContainer, 'ports'> => ({
  ports: [{ containerPort, protocol: 'TCP' }],
});

/** config/runtimes/vllm/NAME-template.yaml, without `builtInAdapter`, which is for ModelMesh. */
function vllm(name: string, { displayName, image, accelerator, autoSelect }: VllmVariant): RuntimeDefinition {
  return {
    ...metadata(`${name}-template`, displayName, 'v0.21.0', accelerator ? recommended(accelerator) : {}),
    spec: {
      annotations: scraped('vllm', '8080'),
      multiModel: false,
      supportedModelFormats: [{ autoSelect: autoSelect ?? true, name: 'vLLM' }],
      containers: [
        {
          name: 'kserve-container',
          image,
          command: ['python', '-m', 'vllm.entrypoints.openai.api_server'],
          args: ['--port=8080', '--model=/mnt/models', '--served-model-name={{.Name}}'],
          env: [{ name: 'HF_HOME', value: '/tmp/hf_home' }],
          ...port(8080),
        },
      ],
    },
  };
}

/** The server restarts until the modelcar has linked the folder, and is ready when the model is. */
const mlserverProbes = {
  startupProbe: {
    initialDelaySeconds: 1,
    periodSeconds: 1,
    failureThreshold: 1,
    exec: { command: ['/bin/sh', '-c', '[ -n "$(ls -A /mnt/models 2>/dev/null)" ]\n'] },
  },
  readinessProbe: {
    initialDelaySeconds: 5,
    periodSeconds: 5,
    failureThreshold: 3,
    timeoutSeconds: 5,
    httpGet: { path: '/v2/models/{{.Name}}/ready', port: 8080 },
  },
  livenessProbe: {
    initialDelaySeconds: 20,
    periodSeconds: 10,
    failureThreshold: 6,
    timeoutSeconds: 5,
    httpGet: { path: '/v2/models/{{.Name}}/ready', port: 8080 },
  },
};

/**
 * The runtimes of OpenShift AI and Open Data Hub that frameworks use: config/runtimes/ of opendatahub-io/
 * odh-model-controller at 57b43aad (July 2026), with the images of its config/base/params.env. OpenShift AI has images
 * of Red Hat's registry in their place, of its own version.
 */
export const openshiftRuntimes: Record<string, RuntimeDefinition> = {
  'kserve-ovms': {
    ...metadata('kserve-ovms', 'OpenVINO Model Server', 'v2026.1.0', recommended('nvidia.com/gpu')),
    spec: {
      multiModel: false,
      annotations: scraped('ovms', '8888'),
      supportedModelFormats: [
        { name: 'openvino_ir', version: 'opset13', autoSelect: true },
        { name: 'onnx', version: '1' },
        { name: 'tensorflow', version: '1', autoSelect: true },
        { name: 'tensorflow', version: '2', autoSelect: true },
        { name: 'paddle', version: '2', autoSelect: true },
        { name: 'pytorch', version: '2', autoSelect: true },
      ],
      protocolVersions: ['v2', 'grpc-v2'],
      containers: [
        {
          name: 'kserve-container',
          image: 'quay.io/opendatahub/openvino_model_server:2025.1-release',
          args: [
            '--model_name={{.Name}}',
            '--port=8001',
            '--rest_port=8888',
            '--model_path=/mnt/models',
            '--file_system_poll_wait_seconds=0',
            '--metrics_enable',
          ],
          ...port(8888),
        },
      ],
    },
  },
  'mlserver-runtime': {
    ...metadata('mlserver-runtime-template', 'MLServer ServingRuntime for KServe', '1.7.1', {
      'serving.kserve.io/server-type': 'mlserver',
    }),
    spec: {
      annotations: { ...scraped('mlserver', '8082'), 'monitoring.opendatahub.io/scrape': 'true' },
      containers: [
        {
          name: 'kserve-container',
          image: 'quay.io/opendatahub/mlserver:fast',
          env: [
            { name: 'MLSERVER_MODEL_IMPLEMENTATION', value: '{{.Labels.modelClass}}' },
            { name: 'MLSERVER_HTTP_PORT', value: '8080' },
            { name: 'MLSERVER_MODELS_DIR', value: '/mnt/models' },
          ],
          ...mlserverProbes,
          resources: { requests: { cpu: '1', memory: '2Gi' }, limits: { cpu: '2', memory: '4Gi' } },
          ...port(8080),
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
            privileged: false,
            runAsNonRoot: true,
          },
        },
      ],
      protocolVersions: ['v2'],
      multiModel: false,
      supportedModelFormats: [
        { name: 'sklearn', version: '0' },
        { name: 'sklearn', version: '1' },
        { name: 'xgboost', version: '1' },
        { name: 'xgboost', version: '2' },
        { name: 'lightgbm', version: '3' },
        { name: 'lightgbm', version: '4' },
        { name: 'onnx', version: '1' },
      ],
    },
  },
  'vllm-cuda-runtime': vllm('vllm-cuda-runtime', {
    displayName: 'vLLM NVIDIA GPU ServingRuntime for KServe',
    image: 'quay.io/vllm/vllm-cuda:latest',
    accelerator: 'nvidia.com/gpu',
  }),
  'vllm-rocm-runtime': vllm('vllm-rocm-runtime', {
    displayName: 'vLLM AMD GPU ServingRuntime for KServe',
    image: 'quay.io/vllm/vllm-rocm:latest',
    accelerator: 'amd.com/gpu',
  }),
  'vllm-gaudi-runtime': vllm('vllm-gaudi-runtime', {
    displayName: 'vLLM Intel Gaudi Accelerator ServingRuntime for KServe',
    image: 'quay.io/opendatahub/vllm:fast-gaudi',
    accelerator: 'habana.ai/gaudi',
    autoSelect: false,
  }),
  'vllm-cpu-x86-runtime': vllm('vllm-cpu-x86-runtime', {
    displayName: 'vLLM CPU (x86) ServingRuntime for KServe',
    image: 'quay.io/vllm/vllm:latest',
  }),
  'vllm-cpu-runtime': vllm('vllm-cpu-runtime', {
    displayName: 'vLLM CPU (ppc64le/s390x) ServingRuntime for KServe',
    image: 'quay.io/vllm/vllm:latest',
  }),
};
