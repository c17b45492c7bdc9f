/** Test helpers for clusters, besides smoke tests. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type Registry, type RegistryOptions, startRegistry } from '../parts/registry.ts';
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
  const inspect = ['network', 'inspect', 'kind', '--format', '{{json .IPAM.Config}}'];
  const configs: { Gateway?: string }[] = JSON.parse(await docker(...inspect));
  const address = configs.map(({ Gateway }) => Gateway).find((gateway) => /^[\d.]+$/.test(gateway ?? ''));
  if (address === undefined) throw new Error('start registry: the network kind has no gateway');
  const registry = await startRegistry({ kind: 'docker-registry', address, ...options });
  const { kind, env } = ready();
  const nodes = (await run(kind, ['get', 'nodes', '--name', cluster], { env })).trim().split('\n');
  const folder = `/etc/containerd/certs.d/${registry.host}`;
  const hosts = `server = "${registry.url}"\\n[host."${registry.url}"]\\n`;
  for (const node of nodes) {
    const script = `mkdir -p ${folder} && printf '${hosts}' > ${folder}/hosts.toml`;
    await docker('exec', node, 'sh', '-c', script);
  }
  return registry;
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
