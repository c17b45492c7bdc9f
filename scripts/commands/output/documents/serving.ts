import { z } from 'zod';
import { count } from './parts.ts';

/** `serving:` in the document of `list`. */

const texts = z.record(z.string(), z.string());
const text = (describe: string) => z.string().describe(describe);
const flag = (describe: string) => z.boolean().describe(describe).exactOptional();

const keyRef = (kind: string) =>
  z
    .strictObject({
      name: text(`Name of the ${kind}.`),
      key: text('A key of its data.'),
      optional: flag('Whether the server starts without it.'),
    })
    .describe(`The value of a key of a ${kind}.`)
    .exactOptional();

const variableSchema = z
  .union([
    z.string(),
    z.strictObject({
      valueFrom: z
        .strictObject({
          secretKeyRef: keyRef('Secret'),
          configMapKeyRef: keyRef('ConfigMap'),
          fieldRef: z
            .strictObject({ fieldPath: text('As in `status.podIP`.') })
            .describe('A field of the pod.')
            .exactOptional(),
        })
        .describe('Where the cluster has the value: exactly one field.'),
    }),
  ])
  .meta({ id: 'Variable' });

const tolerationSchema = z
  .strictObject({
    key: text('Key of the taint.').exactOptional(),
    operator: z.enum(['Equal', 'Exists']).describe('`Equal` when absent.').exactOptional(),
    value: text('Value of the taint.').exactOptional(),
    effect: z
      .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .describe('Effect of the taint; every effect when absent.')
      .exactOptional(),
    tolerationSeconds: count.describe('How long the pod stays.').exactOptional(),
  })
  .meta({ id: 'Toleration' });

const volumeSchema = z
  .strictObject({
    name: text('Name of the volume.'),
    emptyDir: z
      .strictObject({
        medium: z.literal('Memory').describe('The folder is in RAM.').exactOptional(),
        sizeLimit: text('The most it can hold, a Kubernetes quantity.').exactOptional(),
      })
      .describe('An empty folder that ends with the pod.')
      .exactOptional(),
    persistentVolumeClaim: z
      .strictObject({
        claimName: text('Name of the claim.'),
        readOnly: flag('Whether the pod can only read.'),
      })
      .describe('A PersistentVolumeClaim.')
      .exactOptional(),
    configMap: z
      .strictObject({
        name: text('Name of the ConfigMap.'),
        optional: flag('Whether the pod starts without it.'),
      })
      .describe('A file for each key of a ConfigMap.')
      .exactOptional(),
    secret: z
      .strictObject({
        secretName: text('Name of the Secret.'),
        optional: flag('Whether the pod starts without it.'),
      })
      .describe('A file for each key of a Secret.')
      .exactOptional(),
  })
  .meta({ id: 'Volume' });

const volumeMountSchema = z
  .strictObject({
    name: text('Name of the volume.'),
    mountPath: text('Where the server sees it.'),
    subPath: text('A file or folder of the volume.').exactOptional(),
    readOnly: flag('Whether the server can only read it.'),
  })
  .meta({ id: 'VolumeMount' });

const byDefault = (describe: string) => z.strictObject({}).describe(describe).exactOptional();

const parallelismSchema = z.strictObject({
  tensor: count.describe('GPUs that share each layer of the model.').exactOptional(),
  data: count.describe('Copies of the model.').exactOptional(),
  dataLocal: count.describe('Copies per pod.').exactOptional(),
  dataRPCPort: count.describe('Port at which the copies reach each other.').exactOptional(),
  expert: flag('Whether the experts of a model are spread over the GPUs.'),
});

const routerSchema = z.strictObject({
  gateway: z
    .strictObject({
      refs: z
        .array(z.strictObject({ name: text('Name of the Gateway.'), namespace: text('Its namespace.') }))
        .describe("Gateways in place of KServe's.")
        .exactOptional(),
    })
    .describe('The Gateway that requests come through.')
    .exactOptional(),
  route: byDefault("KServe's HTTPRoute."),
  scheduler: byDefault("KServe's inference scheduler."),
});

export const servingSchema = z
  .strictObject({
    kind: z
      .enum(['InferenceService', 'LLMInferenceService'])
      .describe('The kind of object that serves the model; InferenceService when absent.')
      .exactOptional(),
    parallelism: parallelismSchema.describe('`parallelism` of an LLMInferenceService.').exactOptional(),
    router: routerSchema.describe('`router` of an LLMInferenceService.').exactOptional(),
    name: z.string().describe('Name of the InferenceService.').exactOptional(),
    labels: texts.describe('Labels of the InferenceService.').exactOptional(),
    annotations: texts.describe('Annotations of the InferenceService.').exactOptional(),
    deploymentMode: z
      .enum(['Standard', 'RawDeployment', 'Knative', 'Serverless'])
      .describe("KServe's deployment mode.")
      .exactOptional(),
    storage: z
      .enum(['oci', 'oci+native', 'oci+fetch'])
      .describe('Scheme of the `storageUri`.')
      .exactOptional(),
    runtime: z.string().describe('The ServingRuntime.').exactOptional(),
    modelFormat: z.string().describe('Name of the model format.').exactOptional(),
    protocolVersion: z
      .enum(['v1', 'v2', 'grpc-v1', 'grpc-v2'])
      .describe('Protocol that is requested of the runtime.')
      .exactOptional(),
    args: z.array(z.string()).describe('Arguments of the model server.'),
    env: z.record(z.string(), variableSchema).describe('Environment of the model server.'),
    resources: z
      .strictObject({
        requests: texts.describe('Kubernetes quantities.').exactOptional(),
        limits: texts.describe('Kubernetes quantities.').exactOptional(),
      })
      .describe('Resources of the model server.')
      .exactOptional(),
    minReplicas: count.describe('Fewest pods.').exactOptional(),
    maxReplicas: count.describe('Most pods; 0: no limit.').exactOptional(),
    scaleMetric: z
      .enum(['cpu', 'memory', 'concurrency', 'rps'])
      .describe('What the autoscaler watches.')
      .exactOptional(),
    scaleTarget: count.describe('Target of the autoscaler.').exactOptional(),
    nodeSelector: texts.describe('Labels of the node.').exactOptional(),
    tolerations: z.array(tolerationSchema).describe('Taints that the pod tolerates.').exactOptional(),
    volumes: z.array(volumeSchema).describe('Volumes of the pod.').exactOptional(),
    volumeMounts: z.array(volumeMountSchema).describe('Mounts of the model server.').exactOptional(),
    imagePullSecrets: z.array(z.string()).describe('Names of Secrets.'),
    serviceAccount: z.string().describe('Name of a ServiceAccount.').exactOptional(),
    runAsUser: count.describe('UID of the model server and the sidecar.').exactOptional(),
  })
  .meta({ id: 'Serving' });
