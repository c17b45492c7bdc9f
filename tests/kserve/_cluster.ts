/** Test helpers for clusters, besides smoke tests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { startNodeRegistry as startRegistryFor } from '../parts/kube/running/cluster-parts.ts';
import type { Registry, RegistryOptions } from '../parts/registry.ts';
import { run } from '../parts/run.ts';
import type { ReadyClusters } from './_setup.ts';

/** The result of the suite's set-up; throws if it failed, and the tests are not run. */
export function ready(): ReadyClusters {
  const clusters = inject('clusters');
  if (clusters.missing !== undefined) throw new Error(clusters.missing);
  return clusters.ready;
}

/** The message that names the missing parts when clusters cannot run here. */
export function missingClusters(): string | undefined {
  return inject('clusters').missing;
}

/** Names of the existing kind clusters. */
export async function kindClusters(): Promise<string[]> {
  const { kind, env } = ready();
  const said = await run(kind, ['get', 'clusters'], { env });
  return said.split('\n').filter((line) => line !== '' && !line.startsWith('No kind clusters'));
}

/** Runs `docker ARGS…` against the daemon of the nodes; fails when it does. Returns stdout. */
export async function docker(...args: string[]): Promise<string> {
  return await run('docker', args, { env: ready().env });
}

/** A registry on the address under which the nodes know this machine; nodes of the cluster pull from it over http. */
export async function startNodeRegistry(
  cluster: string,
  options: Pick<RegistryOptions, 'auth'> = {},
): Promise<Registry> {
  return await startRegistryFor(ready(), cluster, options);
}

/** Runs kubectl against a cluster on this machine. Returns stdout. */
export async function kubectl(cluster: string, ...args: string[]): Promise<string> {
  const { kind, kubectl: program, env } = ready();
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-kubectl-'));
  try {
    const file = join(folder, 'kubeconfig');
    await writeFile(file, await run(kind, ['get', 'kubeconfig', '--name', cluster], { env }));
    return await run(program, args, { env: { KUBECONFIG: file, HOME: folder } });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
