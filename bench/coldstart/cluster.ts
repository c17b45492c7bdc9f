/** A kind cluster with KServe for cold starts, made of the tests' parts by `modelcars cluster`. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Api } from '../../scripts/kserve/cluster/api.ts';
import { connect } from '../../scripts/kserve/cluster/connect.ts';
import type { KubernetesObject } from '../../scripts/kserve/manifests/inference-service.ts';
import { kserveManifests } from '../../tests/parts/kube/kserve.ts';
import {
  type ClusterParts,
  gatewayOf,
  imageVolumesConfig,
  startClusterParts,
} from '../../tests/parts/kube/running/cluster-parts.ts';
import { run } from '../../tests/parts/run.ts';
import { programStep } from '../peers/modelcars.ts';
import { initializerArchive, serverArchive } from './images.ts';
import { type BenchNode, openNode } from './node.ts';
import { kserveVersion, namespace, readerRuntime } from './objects.ts';

export interface BenchCluster extends AsyncDisposable {
  name: string;
  api: Api;
  node: BenchNode;
  /** The address under which it knows this machine. */
  gateway: string;
  parts: ClusterParts;
  /** Runs kubectl; fails when it does. Returns stdout. */
  kubectl(...args: string[]): Promise<string>;
  /** Writes the objects to a file for `kubectl apply --filename`. Returns its path. */
  file(...objects: KubernetesObject[]): Promise<string>;
}

/** Makes the cluster, with the namespace and the runtime of the cold starts. Throws PartMissing where it cannot. */
export async function openCluster(root: string): Promise<BenchCluster> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(root, 'cluster-'));
  const parts = await startClusterParts();
  owned.defer(async () => await parts.stop());
  const images = join(folder, 'images');
  await mkdir(images);
  const archives = [await serverArchive(images), await initializerArchive(images)];
  const [name, kubeconfig] = ['modelcars-bench', join(folder, 'kubeconfig')];
  const { program, args } = programStep([
    ...['cluster', '--cluster-name', name, '--kubeconfig', kubeconfig, '--no-progress'],
    ...['--kind-config', await imageVolumesConfig(folder)],
    ...archives.flatMap((archive) => ['--load-image', archive]),
  ]);
  await run(program, args, {
    env: {
      ...parts.env,
      MODELCARS_KSERVE_VERSION: kserveVersion,
      MODELCARS_KSERVE_MANIFESTS: (await kserveManifests(kserveVersion)).join(),
      MODELCARS_STORE: join(folder, 'store'),
      KUBECONFIG: undefined,
      TMPDIR: folder,
    },
    timeout: 1_200_000,
  });
  await rm(images, { recursive: true });
  const kubectl = async (...words: string[]): Promise<string> =>
    await run(parts.kubectl, words, { env: { KUBECONFIG: kubeconfig, HOME: folder } });
  let files = 0;
  const file = async (...objects: KubernetesObject[]): Promise<string> => {
    const path = join(folder, `${++files}.json`);
    const list = { apiVersion: 'v1', kind: 'List', items: objects };
    await writeFile(path, JSON.stringify(list));
    return path;
  };
  await kubectl('create', 'namespace', namespace);
  await kubectl('apply', '--filename', await file(readerRuntime()));
  const all = owned.move();
  return {
    name,
    api: connect({ kubeconfig }),
    node: await openNode(`${name}-control-plane`, parts.env),
    gateway: await gatewayOf(parts),
    parts,
    kubectl,
    file,
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  };
}
