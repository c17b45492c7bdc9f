import { llamaCppServer } from '../llama-cpp.ts';
import { metrics, resources, securityContext } from './common.ts';
import { mlserverImage } from './kserve.ts';
import type { RuntimeDefinition } from './types.ts';

/** Runtimes that KServe does not have. */
export const ownRuntimes: Record<string, RuntimeDefinition> = {
  // The image of kserve-mlserver has the runtime, but KServe never chooses it and leaves these variables unset.
  'modelcars-catboost': {
    spec: {
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
  },
  'modelcars-llamacpp': {
    spec: {
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
  },
};
