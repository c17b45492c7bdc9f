/**
 * Set up once per suite: the parts that clusters are made of, and a Docker daemon that has the node image. Ended with
 * the suite.
 */
import type { TestProject } from 'vitest/node';
import { huggingFaceServer } from '../parts/huggingfaceserver.ts';
import { type KServeVersion, kserveManifests, kserveVersions } from '../parts/kube/kserve.ts';
import { nodeArchive } from '../parts/kube/node-image.ts';
import { type ClusterParts, startClusterParts } from '../parts/kube/running/cluster-parts.ts';
import { missingMlserver } from '../parts/mlserver.ts';
import { PartMissing, part, partsRequired } from '../parts/parts.ts';
import { tritonServer } from '../parts/triton.ts';

/** The value that tests get from `inject('clusters')`. */
export type Clusters = { missing: string } | { missing: undefined; ready: ReadyClusters };

export interface ReadyClusters extends ClusterParts {
  /** KServe's released files. */
  manifests: Record<KServeVersion, string[]>;
}

declare module 'vitest' {
  interface ProvidedContext {
    clusters: Clusters;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  try {
    await nodeArchive();
    await Promise.all([missingMlserver(), part('dockerd'), part('busybox')]);
    await huggingFaceServer();
    await tritonServer();
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    project.provide('clusters', { missing: error.message });
    return async () => {};
  }
  const { stop, ...parts } = await startClusterParts();
  try {
    const manifests = await Promise.all(
      kserveVersions.map(async (version) => [version, await kserveManifests(version)] as const),
    );
    const ready: ReadyClusters = {
      ...parts,
      manifests: Object.fromEntries(manifests) as Record<KServeVersion, string[]>,
    };
    project.provide('clusters', { missing: undefined, ready });
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
