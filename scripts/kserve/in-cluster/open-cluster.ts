import { quantity } from '../../admission/quantity.ts';
import { ModelcarsError } from '../../errors.ts';
import { list } from '../../text/format.ts';
import type { Api } from '../cluster/api.ts';
import { type Amount, type NodeFacts, type PodFacts, roomFor } from '../cluster/capacity.ts';
import { chooseRuntime } from '../cluster/choose-runtime.ts';
import { type ClusterFacts, readFacts, setModelcarUser } from '../cluster/facts.ts';
import { openNamespace, ownLabel } from '../cluster/namespace.ts';
import { retryApi } from '../cluster/retry-api.ts';
import { NamespaceWatch } from '../cluster/watch.ts';
import { onSuddenExit } from '../kind/cleanup-hint.ts';
import { bringCached } from '../kind/image-cache.ts';
import type { Kind } from '../kind/kind.ts';
import { type InferenceService, inferenceService } from '../manifests/inference-service.ts';
import { randomUser } from '../manifests/security-context.ts';
import { runCase } from '../smoke/run-case.ts';
import type { ServingCluster } from '../smoke/serving-cluster.ts';
import type { SmokeResult } from '../types.ts';
import { createCluster, provideImages, useCluster } from './choose-cluster.ts';
import { ServingNamespace } from './serving-namespace.ts';
import { forNewNamespace, forOwnCluster, ownCpu } from './test-service.ts';
import type { CaseOptions, OpenClusterOptions, SmokeCluster } from './types.ts';

/**
 * Opens a new kind cluster or the one of a context, with a namespace, the images and a watch. This room joins kind/
 * (clusters and images), cluster/ (the Kubernetes API) and smoke/ (the cases) for the pipeline. Fails with code
 * `cluster` or `usage`.
 */
export async function openCluster(options: OpenClusterOptions): Promise<SmokeCluster> {
  await using stack = new AsyncDisposableStack();
  const given = options.context !== undefined || options.kubeconfig !== undefined;
  const { api, kind } = given ? await useCluster(options) : await createCluster(options, stack);
  const own = !given;
  const facts = await readFacts(api);
  const workplace = stack.use(await openNamespace(api, options.namespace, options.warn));
  if (!own) stack.use(onSuddenExit(workplace.removal));
  const { namespace } = workplace;
  const registry = await provideImages(options, kind, stack);
  options.say(`namespace ${namespace}`);
  const watch = await NamespaceWatch.start(api, namespace);
  stack.defer(() => watch.stop());
  const serving = new ServingNamespace(api, watch, namespace);
  const session = { api, own, kind, facts, namespace, registry, serving, warned: new Set<string>(), options };
  const owned = stack.move();
  return {
    own,
    facts,
    namespace,
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
  /** The registry name under which the nodes find this machine's images. */
  registry: string;
  serving: ServingCluster;
  /** Models with a warning about what their test lacks. */
  warned: Set<string>;
  options: OpenClusterOptions;
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
  // The nodes of an existing cluster are left alone.
  if (own && kind !== undefined && options.cacheImages) await bringCached(kind, images, options);
  // The sidecar's request comes on top.
  return { ...need, cpu: need.cpu + quantity(session.facts.modelcars.cpu) };
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
    // Users who cannot list nodes share the cluster with others.
    return 2;
  }
}

function smoke(
  session: Session,
  { model, framework, smoke: test, planned, image, timeout, note }: CaseOptions,
): Promise<SmokeResult> {
  const { own, facts, namespace, registry, serving, options } = session;
  const { name, mode, security } = planned;
  // OpenShift chooses the user, and rejects a pod that sets one.
  const as = security === 'openshift' && facts.openshift ? 'runtime' : security;
  const service = inferenceService(model, framework, {
    name,
    namespace,
    mode,
    image: image.pushed ?? `${registry}/${model.name}@${image.root.digest}`,
    security: { as, user: randomUser() },
    pullSecrets: options.pullSecrets,
    labels: ownLabel,
    single: true,
  });
  const tested = options.namespace === undefined ? inNewNamespace(session, model.name, service) : service;
  return runCase({
    cluster: serving,
    case: planned,
    service: own ? forOwnCluster(tested) : tested,
    smoke: test,
    timeout,
    signal: options.signal,
    note,
  });
}

/** The service without what the namespace of the test lacks, with one warning for each model. */
function inNewNamespace(
  { warned, options }: Session,
  model: string,
  service: InferenceService,
): InferenceService {
  const { service: tested, without } = forNewNamespace(service);
  if (without.length > 0 && !warned.has(model)) {
    warned.add(model);
    const objects = list(without, 'and');
    options.warn(
      `${model}: tested without ${objects}; with --namespace NAME, the test uses those of a namespace`,
    );
  }
  return tested;
}
