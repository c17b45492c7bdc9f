import { ModelcarsError } from '../../errors.ts';
import type { Api } from '../cluster/api.ts';
import { connect } from '../cluster/connect.ts';
import { onSuddenExit } from '../kind/cleanup-hint.ts';
import { feedNodes, host, type NodeFeed } from '../kind/feed-nodes.ts';
import { importImages } from '../kind/import-images.ts';
import { findEngine, Kind } from '../kind/kind.ts';
import { type OwnClusterOptions, openOwnCluster } from '../kind/own-cluster.ts';
import type { ClusterSettings } from '../types.ts';
import type { OpenClusterOptions } from './types.ts';

export async function createCluster(
  options: OpenClusterOptions,
  stack: AsyncDisposableStack,
): Promise<{ api: Api; kind: Kind }> {
  const sudden = onSuddenExit(`${options.kind} delete cluster --name ${options.clusterName}`);
  try {
    const cluster = await openOwnCluster(ownClusterOptions(options));
    stack.use(sudden);
    stack.use(cluster);
    return cluster;
  } catch (error) {
    sudden[Symbol.dispose]();
    throw error;
  }
}

/** The settings of a new cluster, from those of the command line. */
export function ownClusterOptions(
  settings: ClusterSettings & Pick<OpenClusterOptions, 'folder' | 'signal' | 'say' | 'warn'>,
): OwnClusterOptions {
  const { nodeImage, kindConfig, apiPort, kserveVersion } = settings;
  return {
    program: settings.kind,
    name: settings.clusterName,
    manifests: settings.kserveManifests,
    images: settings.loadImages,
    cacheImages: settings.cacheImages,
    keep: settings.keepCluster,
    folder: settings.folder,
    signal: settings.signal,
    say: settings.say,
    warn: settings.warn,
    ...(nodeImage !== undefined && { nodeImage }),
    ...(kindConfig !== undefined && { config: kindConfig }),
    ...(apiPort !== undefined && { apiPort }),
    ...(kserveVersion !== undefined && { version: kserveVersion }),
  };
}

/** Opens the cluster of a context; includes `kind` for a kind cluster on this machine. */
export async function useCluster(options: OpenClusterOptions): Promise<{ api: Api; kind?: Kind }> {
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

/** Makes this machine's local images available to the nodes. Returns the registry name that the nodes pull them by. */
export async function provideImages(
  options: OpenClusterOptions,
  kind: Kind | undefined,
  stack: AsyncDisposableStack,
): Promise<string> {
  const images = options.images.filter(({ pushed }) => pushed === undefined);
  if (images.length === 0) return host;
  if (kind === undefined) {
    throw new ModelcarsError(
      'cluster',
      'test images that are not pushed: the cluster cannot reach this machine',
      {
        next: 'push them and pass --remote; or omit --context: a kind cluster on this machine reads them from the layout',
      },
    );
  }
  const served: NodeFeed | undefined = await feedNodes(kind, images);
  if (served !== undefined) {
    stack.use(served);
    return served.registry;
  }
  options.say('copying images into the nodes');
  const named = images.map((image) => ({ ...image, name: `${host}/${image.name}@${image.root.digest}` }));
  await importImages(kind, named, options.signal);
  return host;
}
