/** The Kubernetes objects of a cold start: a runtime, KServe's storage initializer, and services. */
import type { KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { fetchScheme } from './ways.ts';

/** The release in the cluster. */
export const kserveVersion = 'v0.20.0';
export const namespace = 'coldstart';
export const serverImage = 'modelcars.test/reader:v1';
export const initializerImage = 'modelcars.test/storage-initializer:v1';
/** The server's container, as KServe names it. */
export const serverContainer = 'kserve-container';
/** The port of the server. */
export const port = 8080;

/** How the storage initializer reaches its sources from within the cluster. */
export interface Sources {
  /** URL of a hub. */
  hub: string;
  /** URL, key and secret of an S3. */
  s3: { endpoint: string; accessKey: string; secretKey: string };
}

/** The server, in place of one that needs longer to start. A probe each second; KServe's own is every ten. */
export function readerRuntime(): KubernetesObject {
  return {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ServingRuntime',
    metadata: { name: 'reader', namespace },
    spec: {
      supportedModelFormats: [{ name: 'bench', version: '1' }],
      protocolVersions: ['v1'],
      containers: [
        {
          name: serverContainer,
          image: serverImage,
          imagePullPolicy: 'IfNotPresent',
          ports: [{ containerPort: port, protocol: 'TCP' }],
          readinessProbe: { httpGet: { path: '/', port }, periodSeconds: 1, failureThreshold: 600 },
          // Five pods have to fit on two CPUs.
          resources: {
            requests: { cpu: '50m', memory: '128Mi' },
            limits: { cpu: '2', memory: '1Gi' },
          },
        },
      ],
    },
  };
}

/**
 * KServe's own storage container with our sources, and one for the scheme that 0.20 does not know: it gets the URI of
 * the image as KServe after 0.20 passes it (pkg/webhook/admission/pod/oci_fetch.go). Requests and limits stay KServe's.
 */
export function storageContainers({ hub, s3 }: Sources): [KubernetesObject, KubernetesObject] {
  const resources = {
    requests: { memory: '100Mi', cpu: '100m' },
    limits: { memory: '1Gi', cpu: '1' },
  };
  const container = {
    name: 'storage-initializer',
    image: initializerImage,
    imagePullPolicy: 'IfNotPresent',
    resources,
  };
  const env = {
    HF_ENDPOINT: hub,
    HF_HUB_DISABLE_TELEMETRY: '1',
    AWS_ENDPOINT_URL: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKey,
    AWS_SECRET_ACCESS_KEY: s3.secretKey,
    AWS_DEFAULT_REGION: 'us-east-1',
  };
  // The registry of the benchmark speaks http.
  const insecure = { KSERVE_OCI_INSECURE_REGISTRY: 'true' };
  const script = `exec python3 ${initializerEntry} "oci\${1#${fetchScheme}}" "$2"`;
  const of = (name: string, spec: object): KubernetesObject => ({
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ClusterStorageContainer',
    metadata: { name },
    spec: { workloadType: 'initContainer', ...spec },
  });
  return [
    of('default', {
      container: { ...container, env: variables(env) },
      supportedUriFormats: [{ prefix: 's3://' }, { prefix: 'hf://' }],
    }),
    of('coldstart-fetch', {
      container: { ...container, command: ['sh', '-c', script, 'sh'], env: variables(insecure) },
      supportedUriFormats: [{ prefix: `${fetchScheme}://` }],
    }),
  ];
}

/** Where the image of the storage initializer has KServe's script. */
export const initializerEntry = '/storage-initializer/scripts/initializer-entrypoint';

/** A service of so many pods; no autoscaler, whose interval would be in the clock. */
export function service(name: string, storageUri: string, replicas: number): KubernetesObject {
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: {
      name,
      namespace,
      annotations: {
        'serving.kserve.io/deploymentMode': 'RawDeployment',
        'serving.kserve.io/autoscalerClass': 'none',
      },
    },
    spec: {
      predictor: {
        minReplicas: replicas,
        maxReplicas: replicas,
        model: { modelFormat: { name: 'bench' }, runtime: 'reader', protocolVersion: 'v1', storageUri },
      },
    },
  };
}

function variables(env: Record<string, string>): { name: string; value: string }[] {
  return Object.entries(env).map(([name, value]) => ({ name, value }));
}
