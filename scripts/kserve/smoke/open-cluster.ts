import { ModelcarsError } from '../../errors.ts';
import type { Descriptor, ImageStore } from '../../image/types.ts';
import type { Framework, Model } from '../../model/types.ts';
import type { Api } from '../cluster/api.ts';
import { type Amount, type NodeFacts, type PodFacts, roomFor } from '../cluster/capacity.ts';
import { chooseRuntime } from '../cluster/choose-runtime.ts';
import {
  type ClusterFacts,
  connect,
  openNamespace,
  ownLabel,
  readFacts,
  setModelcarUser,
} from '../cluster/connect.ts';
import { retryApi } from '../cluster/install.ts';
import { NamespaceWatch } from '../cluster/watch.ts';
import { onSuddenExit } from '../kind/cleanup-hint.ts';
import { feedNodes, host, type NodeFeed } from '../kind/feed-nodes.ts';
import { bringCached } from '../kind/image-cache.ts';
import { importImages } from '../kind/import-images.ts';
import { findEngine, Kind } from '../kind/kind.ts';
import { type OwnClusterOptions, openOwnCluster } from '../kind/own-cluster.ts';
import { type InferenceService, inferenceService } from '../manifests/inference-service.ts';
import { quantity } from '../manifests/quantity.ts';
import { randomUser } from '../manifests/security-context.ts';
import type { SmokeResult } from '../types.ts';
import type { PlannedCase } from './cases.ts';
import { runCase } from './run-case.ts';

/** Which cluster, and how it is to serve; as the command line says it. */
export interface SmokeWishes {
  context?: string;
  kubeconfig?: string;
  namespace?: string;
  kind: string;
  nodeImage?: string;
  kindConfig?: string;
  apiPort?: number;
  clusterName: string;
  keepCluster: boolean;
  kserveVersion?: string;
  kserveManifests: string[];
  loadImages: string[];
  cacheImages: boolean;
  withRuntime: boolean;
  serverImage?: string;
  pullSecrets: string[];
}

export interface OpenOptions extends SmokeWishes {
  /** Folder for what is remembered from run to run. */
  folder: string;
  images: { name: string; store: ImageStore; root: Descriptor; pushed?: string }[];
  signal: AbortSignal;
  say(line: string): void;
  log(line: string): void;
  warn(line: string): void;
}

/** One case for a cluster. */
export interface CaseOptions {
  model: Model;
  framework: Framework;
  planned: PlannedCase;
  image: { root: Descriptor; pushed?: string };
  timeout: number;
  note(text: string): void;
}

/** A cluster ready for cases. Disposing of it takes away all that was made for them. */
export interface Cluster extends AsyncDisposable {
  /** Made by us, and so ours to change. */
  own: boolean;
  facts: ClusterFacts;
  /** Brings the runtimes along that are wanted and lacking; what a server asks for at most. */
  prepareRuntimes(names: readonly string[]): Promise<Amount>;
  setModelcarUser(user: number | undefined): Promise<void>;
  /** How many servers have room at once. */
  room(need: Amount): Promise<number>;
  smoke(options: CaseOptions): Promise<SmokeResult>;
}

/** CPUs that a server asks for in a cluster of our own: a test may be slow, and should not wait for a whole CPU to be free. */
const ownCpu = '100m';

/** A kind cluster of our own, or the one of a context; and in it a namespace, the images and a watch. */
export async function openCluster(options: OpenOptions): Promise<Cluster> {
  await using stack = new AsyncDisposableStack();
  const given = options.context !== undefined || options.kubeconfig !== undefined;
  const { api, kind } = given ? await openGiven(options) : await openOwn(options, stack);
  const own = !given;
  const facts = await readFacts(api);
  const workplace = stack.use(await openNamespace(api, options.namespace, options.warn));
  if (!own) stack.use(onSuddenExit(workplace.removal));
  const { namespace } = workplace;
  const registry = await feed(options, kind, stack);
  options.say(`namespace ${namespace}`);
  const watch = await NamespaceWatch.start(api, namespace);
  stack.defer(() => watch.stop());
  const session = { api, own, kind, facts, namespace, registry, watch, options };
  const owned = stack.move();
  return {
    own,
    facts,
    prepareRuntimes: (names) => prepareRuntimes(session, names),
    async setModelcarUser(user) {
      const { configNamespace } = facts;
      if (configNamespace !== undefined) await setModelcarUser(api, configNamespace, user, options.signal);
    },
    room: (need) => room(session, need),
    smoke: (one) => smoke(session, one),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

interface Session {
  api: Api;
  own: boolean;
  kind: Kind | undefined;
  facts: ClusterFacts;
  namespace: string;
  /** Where the nodes find images of this machine. */
  registry: string;
  watch: NamespaceWatch;
  options: OpenOptions;
}

async function openOwn(options: OpenOptions, stack: AsyncDisposableStack): Promise<{ api: Api; kind: Kind }> {
  const sudden = onSuddenExit(`${options.kind} delete cluster --name ${options.clusterName}`);
  try {
    const cluster = await openOwnCluster(ownOptions(options));
    stack.use(sudden);
    stack.use(cluster);
    return cluster;
  } catch (error) {
    sudden[Symbol.dispose]();
    throw error;
  }
}

/** What the command line says of a cluster of our own. */
export function ownOptions(
  wishes: SmokeWishes & Pick<OpenOptions, 'folder' | 'signal' | 'say' | 'warn'>,
): OwnClusterOptions {
  const { nodeImage, kindConfig, apiPort, kserveVersion } = wishes;
  return {
    program: wishes.kind,
    name: wishes.clusterName,
    manifests: wishes.kserveManifests,
    images: wishes.loadImages,
    cacheImages: wishes.cacheImages,
    keep: wishes.keepCluster,
    folder: wishes.folder,
    signal: wishes.signal,
    say: wishes.say,
    warn: wishes.warn,
    ...(nodeImage !== undefined && { nodeImage }),
    ...(kindConfig !== undefined && { config: kindConfig }),
    ...(apiPort !== undefined && { apiPort }),
    ...(kserveVersion !== undefined && { version: kserveVersion }),
  };
}

/** The cluster of a context; with its kind, where it is a kind cluster of this machine. */
async function openGiven(options: OpenOptions): Promise<{ api: Api; kind?: Kind }> {
  const { kubeconfig, context, signal } = options;
  const api = connect({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
  });
  const name = /^kind-(.+)$/.exec(api.config.getCurrentContext())?.[1];
  if (name === undefined || options.images.every(({ pushed }) => pushed !== undefined)) return { api };
  const engine = await findEngine(signal).catch(() => undefined);
  if (engine === undefined) return { api };
  const kind = new Kind(options.kind, name, engine);
  return (await kind.exists(signal).catch(() => false)) ? { api, kind } : { api };
}

/** Lets the nodes have the images that are only on this machine. */
async function feed(
  options: OpenOptions,
  kind: Kind | undefined,
  stack: AsyncDisposableStack,
): Promise<string> {
  const images = options.images.filter(({ pushed }) => pushed === undefined);
  if (images.length === 0) return host;
  if (kind === undefined) {
    throw new ModelcarsError(
      'cluster',
      'smoke images that are not pushed: the cluster cannot reach this machine',
      {
        next: 'push them and say --remote; or leave --context out: a kind cluster on this machine reads them from here',
      },
    );
  }
  const served: NodeFeed | undefined = await feedNodes(kind, images);
  if (served !== undefined) {
    stack.use(served);
    return served.registry;
  }
  options.say('copying the images into the nodes');
  const named = images.map((image) => ({ ...image, name: `${host}/${image.name}@${image.root.digest}` }));
  await importImages(kind, named, options.signal);
  return host;
}

async function prepareRuntimes(session: Session, names: readonly string[]): Promise<Amount> {
  const { api, own, kind, namespace, options } = session;
  const need: Amount = { cpu: 0, memory: 0 };
  const images: string[] = [];
  for (const name of new Set(names)) {
    const { serverImage } = options;
    const chosen = await chooseRuntime(api, name, {
      namespace,
      always: options.withRuntime || serverImage !== undefined,
      ifMissing: own,
      ...(serverImage !== undefined && { image: serverImage }),
    });
    if (chosen.bring !== undefined) {
      const { bring } = chosen;
      const labelled = { ...bring, metadata: { ...bring.metadata, labels: ownLabel } };
      await retryApi(() => api.apply(labelled, options.signal), options.signal);
    }
    need.cpu = Math.max(need.cpu, own ? quantity(ownCpu) : chosen.need.cpu);
    need.memory = Math.max(need.memory, chosen.need.memory);
    images.push(...chosen.images);
  }
  // What the nodes of an existing cluster hold is its owner's business.
  if (own && kind !== undefined && options.cacheImages) await bringCached(kind, images, options);
  return need;
}

async function room({ api, options }: Session, need: Amount): Promise<number> {
  try {
    const [nodes, pods] = await Promise.all([
      api.request<{ items: NodeFacts[] }>('GET', '/api/v1/nodes'),
      api.request<{ items: PodFacts[] }>('GET', '/api/v1/pods'),
    ]);
    return roomFor(need, nodes.items, pods.items);
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof ModelcarsError)) throw error;
    // Whoever may not look at nodes shares the cluster with others.
    return 2;
  }
}

function smoke(
  session: Session,
  { model, framework, planned, image, timeout, note }: CaseOptions,
): Promise<SmokeResult> {
  const { api, own, facts, namespace, registry, watch, options } = session;
  const { name, mode, security } = planned;
  // Where OpenShift chooses the user, a pod that names one is refused.
  const as = security === 'openshift' && facts.openshift ? 'runtime' : security;
  const service = inferenceService(model, framework, {
    name,
    namespace,
    mode,
    image: image.pushed ?? `${registry}/${model.name}@${image.root.digest}`,
    security: { as, user: randomUser() },
    pullSecrets: options.pullSecrets,
    labels: ownLabel,
    raw: true,
    single: true,
  });
  return runCase({
    api,
    watch,
    namespace,
    case: planned,
    service: own ? modest(service) : service,
    smoke: framework.smoke,
    timeout,
    signal: options.signal,
    note,
  });
}

/** Asks for less of a CPU than the runtime does, unless models.yaml says how much. */
function modest(service: InferenceService): InferenceService {
  const { model } = service.spec.predictor;
  const { resources } = model;
  return {
    ...service,
    spec: {
      predictor: {
        ...service.spec.predictor,
        model: {
          ...model,
          resources: { ...resources, requests: { cpu: ownCpu, ...resources?.requests } },
        },
      },
    },
  };
}
