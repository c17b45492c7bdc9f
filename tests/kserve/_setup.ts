/**
 * Set up once per suite: the parts that clusters are made of, and a Docker daemon that has the node image. Ended with
 * the suite.
 */
import type { TestProject } from 'vitest/node';
import { huggingFaceServer } from '../parts/huggingfaceserver.ts';
import { type KServeVersion, kserveManifests, kserveVersions } from '../parts/kube/kserve.ts';
import { nodeArchive, nodeImage } from '../parts/kube/node-image.ts';
import { kindProgram, kubernetesPrograms } from '../parts/kube/programs.ts';
import { startNodeDaemon } from '../parts/kube/running/daemon.ts';
import { missingMlserver } from '../parts/mlserver.ts';
import { PartMissing, part, partsRequired } from '../parts/parts.ts';
import { tritonServer } from '../parts/triton.ts';

/** The value that tests get from `inject('clusters')`. */
export type Clusters = { missing: string } | { missing: undefined; ready: ReadyClusters };

export interface ReadyClusters {
  /** For the program under test: the daemon, `kind` and the node image. */
  env: Record<string, string>;
  kind: string;
  kubectl: string;
  /** KServe's released files. */
  manifests: Record<KServeVersion, string[]>;
}

declare module 'vitest' {
  interface ProvidedContext {
    clusters: Clusters;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let archive: string;
  try {
    archive = await nodeArchive();
    await Promise.all([missingMlserver(), part('dockerd'), part('busybox')]);
    await huggingFaceServer();
    await tritonServer();
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    project.provide('clusters', { missing: error.message });
    return async () => {};
  }
  const daemon = await startNodeDaemon();
  try {
    const loaded = await daemon.docker('load', '--quiet', '--input', archive);
    if (loaded.code !== 0) throw new Error(`load the node image: ${loaded.stderr}`);
    const kind = await kindProgram();
    const manifests = await Promise.all(
      kserveVersions.map(async (version) => [version, await kserveManifests(version)] as const),
    );
    const ready: ReadyClusters = {
      env: { ...daemon.env, MODELCARS_KIND: kind, MODELCARS_KIND_NODE_IMAGE: nodeImage },
      kind,
      kubectl: `${await kubernetesPrograms()}/kubectl`,
      manifests: Object.fromEntries(manifests) as Record<KServeVersion, string[]>,
    };
    project.provide('clusters', { missing: undefined, ready });
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return daemon.stop;
}
