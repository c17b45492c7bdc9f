/**
 * Objects that bring model images onto nodes before a service needs them. The kubelet pulls each image for an init
 * container that ends at once, so that it is on the node for the sidecar of `oci://` and the image volume of
 * `oci+native://` alike: both are of the kubelet's images. `oci+fetch://` downloads by itself and cannot use them.
 *
 * No other image is needed: every modelcar has `sh` and `sleep` (see the image contract), which KServe runs too.
 */
import type { Toleration } from '../../../model/types.ts';
import type { KubernetesObject, Metadata, Resources } from '../inference-service.ts';
import type { SecurityContext } from '../security-context.ts';
import { type Placement, placementKey, shortHash } from './placement.ts';

/** An image to pull. */
export interface PrefetchImage {
  /** Name of the init container. */
  model: string;
  /** `quay.io/me/iris@sha256:…`. */
  image: string;
}

export interface PrefetchOptions {
  /** Begins the object's name; at most `longestSetName` characters. */
  name: string;
  namespace?: string;
  pullSecrets: readonly string[];
  /** A Job that pulls onto so many nodes once, in place of a DaemonSet. */
  nodes?: number;
}

/** `-` and eight digits follow; a pod's label `job-name` has at most 63 characters. */
export const longestSetName = 54;

const labelOfName = 'app.kubernetes.io/name';
const labelOfInstance = 'app.kubernetes.io/instance';

/** Kubernetes' Container, limited to the fields written here. */
interface Container {
  name: string;
  image: string;
  command: string[];
  resources: Resources;
  securityContext: SecurityContext & { readOnlyRootFilesystem: boolean };
}

/** Kubernetes' PodSpec, limited to the fields written here. */
export interface PrefetchPod {
  serviceAccountName?: string;
  automountServiceAccountToken: false;
  imagePullSecrets?: { name: string }[];
  securityContext: SecurityContext;
  terminationGracePeriodSeconds: number;
  restartPolicy?: 'OnFailure';
  nodeSelector?: Record<string, string>;
  affinity: object;
  tolerations?: Toleration[];
  initContainers: Container[];
  containers: [Container];
}

/**
 * Seconds for which a pod of a Job keeps its node from the others, also where the image is there already: the scheduler
 * no longer counts a pod that has ended.
 */
const placingSeconds = 20;
/** Seconds after which a finished Job is deleted, and its images are no longer in use. */
const keptSeconds = 3600;

/**
 * The DaemonSet or Job for images that belong on the same nodes. A DaemonSet's name is that of its nodes, so that a later
 * version replaces it; a Job's is that of its images too, since its pods cannot be changed.
 */
export function prefetchObject(
  images: readonly [PrefetchImage, ...PrefetchImage[]],
  placement: Placement,
  options: PrefetchOptions,
): KubernetesObject {
  const { nodes, namespace } = options;
  const key = [placementKey(placement), ...(nodes === undefined ? [] : images.map(({ image }) => image))];
  const name = `${options.name}-${shortHash(key.join('\n'))}`;
  // Each object of its own: YAML would write the others as aliases of the first.
  const labels = () => ({ [labelOfName]: 'modelcars-prefetch', [labelOfInstance]: name });
  const metadata: Metadata = { name, ...(namespace !== undefined && { namespace }), labels: labels() };
  const template = { metadata: { labels: labels() }, spec: podOf(images, placement, options, labels()) };
  if (nodes === undefined)
    return {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata,
      spec: {
        selector: { matchLabels: labels() },
        // No pod serves anything: by default, one broken node would keep all others from the next version.
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } },
        template,
      },
    };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: { completions: nodes, parallelism: nodes, ttlSecondsAfterFinished: keptSeconds, template },
  };
}

function podOf(
  images: readonly [PrefetchImage, ...PrefetchImage[]],
  { nodeSelector, tolerations, architectures, serviceAccount }: Placement,
  { nodes, pullSecrets }: PrefetchOptions,
  labels: Record<string, string>,
): PrefetchPod {
  const names = new Set(images.map(({ model }) => model));
  let last = 'hold';
  while (names.has(last)) last += '-on';
  // Exited containers count as users of their images for as long as the pod exists (the kubelet's image_gc_manager.go).
  const wait = nodes === undefined ? 'sleep infinity' : `sleep ${placingSeconds}`;
  const others = nodes !== undefined && nodes > 1 && { podAntiAffinity: notBeside(labels) };
  return {
    ...(serviceAccount !== undefined && { serviceAccountName: serviceAccount }),
    automountServiceAccountToken: false,
    ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    // `sleep` as process 1 ignores SIGTERM.
    terminationGracePeriodSeconds: 1,
    ...(nodes !== undefined && { restartPolicy: 'OnFailure' }),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    affinity: { nodeAffinity: runsOn(architectures), ...others },
    ...(tolerations.length > 0 && { tolerations }),
    initContainers: images.map(({ model, image }) => container(model, image, 'exit 0')),
    containers: [container(last, images[0].image, wait)],
  };
}

function container(name: string, image: string, script: string): Container {
  return {
    name,
    image,
    command: ['sh', '-c', script],
    // Those of KServe's own modelcars.
    resources: { requests: { cpu: '10m', memory: '15Mi' }, limits: { cpu: '100m', memory: '15Mi' } },
    // All that OpenShift's restricted-v2 and Kubernetes' level `restricted` ask for; the user is the image's or the SCC's.
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
    },
  };
}

/** A node without such an image would never get ready. */
function runsOn(architectures: readonly string[]): object {
  const matchExpressions = [
    { key: 'kubernetes.io/os', operator: 'In', values: ['linux'] },
    { key: 'kubernetes.io/arch', operator: 'In', values: architectures },
  ];
  return { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions }] } };
}

function notBeside(matchLabels: Record<string, string>): object {
  const term = { labelSelector: { matchLabels }, topologyKey: 'kubernetes.io/hostname' };
  return { requiredDuringSchedulingIgnoredDuringExecution: [term] };
}
