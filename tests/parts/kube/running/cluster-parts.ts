/** What kind clusters are made of, ready to use: a Docker daemon that has the node image, and the programs. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Registry, type RegistryOptions, startRegistry } from '../../registry.ts';
import { run } from '../../run.ts';
import { nodeArchive, nodeImage } from '../node-image.ts';
import { kindProgram, kubernetesPrograms } from '../programs.ts';
import { startNodeDaemon } from './daemon.ts';

export interface ClusterParts {
  /** For the program under test: the daemon, `kind` and the node image. */
  env: Record<string, string>;
  kind: string;
  kubectl: string;
}

export interface RunningClusterParts extends ClusterParts {
  /** Stops the daemon and all nodes. */
  stop(): Promise<void>;
}

/** Starts the daemon; makes what is not cached. Throws PartMissing on machines that cannot. */
export async function startClusterParts(): Promise<RunningClusterParts> {
  const archive = await nodeArchive();
  const daemon = await startNodeDaemon();
  try {
    const loaded = await daemon.docker('load', '--quiet', '--input', archive);
    if (loaded.code !== 0) throw new Error(`load the node image: ${loaded.stderr}`);
    const kind = await kindProgram();
    return {
      env: { ...daemon.env, MODELCARS_KIND: kind, MODELCARS_KIND_NODE_IMAGE: nodeImage },
      kind,
      kubectl: `${await kubernetesPrograms()}/kubectl`,
      stop: daemon.stop,
    };
  } catch (error) {
    await daemon.stop();
    throw error;
  }
}

/** The address under which the nodes know this machine. */
export async function gatewayOf({ env }: ClusterParts): Promise<string> {
  const inspect = ['network', 'inspect', 'kind', '--format', '{{json .IPAM.Config}}'];
  const configs: { Gateway?: string }[] = JSON.parse(await run('docker', inspect, { env }));
  const address = configs.map(({ Gateway }) => Gateway).find((gateway) => /^[\d.]+$/.test(gateway ?? ''));
  if (address === undefined) throw new Error('find gateway: the network kind has none');
  return address;
}

/** A registry on that address; nodes of the cluster pull from it over http. */
export async function startNodeRegistry(
  parts: ClusterParts,
  cluster: string,
  options: Pick<RegistryOptions, 'auth'> & Partial<Pick<RegistryOptions, 'kind'>> = {},
): Promise<Registry> {
  const address = await gatewayOf(parts);
  const registry = await startRegistry({ kind: 'docker-registry', address, ...options });
  await letNodesPull(parts, cluster, registry.host);
  return registry;
}

/** Has a cluster's nodes pull from a registry (`HOST:PORT`) over http. */
export async function letNodesPull(parts: ClusterParts, cluster: string, host: string): Promise<void> {
  const { kind, env } = parts;
  const nodes = (await run(kind, ['get', 'nodes', '--name', cluster], { env })).trim().split('\n');
  const folder = `/etc/containerd/certs.d/${host}`;
  const hosts = `server = "http://${host}"\\n[host."http://${host}"]\\n`;
  for (const node of nodes) {
    const script = `mkdir -p ${folder} && printf '${hosts}' > ${folder}/hosts.toml`;
    await run('docker', ['exec', node, 'sh', '-c', script], { env });
  }
}

/** kind's configuration with image volumes on: Kubernetes 1.34 has them, off by default. Returns its path. */
export async function imageVolumesConfig(folder: string): Promise<string> {
  const file = join(folder, 'kind.json');
  const config = {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    featureGates: { ImageVolume: true },
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}
