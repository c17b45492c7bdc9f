import { connect, isIPv4, isIPv6 } from 'node:net';
import { parse, stringify } from 'yaml';
import { ModelcarsError } from '../../errors.ts';

/** A container engine on another machine, or in another container. */
export interface RemoteEngine {
  host: string;
  port: number;
}

/** Ports of Docker's API, without and with TLS. */
const plainPort = 2375;
const tlsPort = 2376;
/** Timeout for establishing a connection, in milliseconds. */
const patience = 5000;

/**
 * The address of docker's engine when DOCKER_HOST names another machine: `tcp://docker:2375`, as for a service of
 * GitLab CI or Dagger. Undefined for a local engine (a socket or a loopback address) and for ssh://, which forwards no
 * ports.
 */
export function remoteEngine(environment: NodeJS.ProcessEnv = process.env): RemoteEngine | undefined {
  const match = /^(?:tcp|https?):\/\/(.+)$/.exec(environment.DOCKER_HOST ?? '');
  const url = match && URL.parse(`modelcars://${match[1]}`);
  if (!url || url.hostname === '') return undefined;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (/^(localhost|127(\.\d+){3}|0\.0\.0\.0|::1?)$/.test(host)) return undefined;
  const otherwise = environment.DOCKER_TLS_VERIFY ? tlsPort : plainPort;
  return { host, port: url.port === '' ? otherwise : Number(url.port) };
}

/**
 * Extends kind's configuration so that the cluster's API server can be reached: `port` is its port on the engine's
 * machine. For an engine on another machine (`host`) the port is open on every address and the certificate includes the
 * engine's name. The user's configuration takes precedence. Fails with code `usage` when that is not a kind
 * configuration.
 */
export function withAccess(
  config: string | undefined,
  { host, port }: { host?: string; port?: number },
): string {
  let given: unknown;
  try {
    given = parse(config ?? '{}') ?? {};
  } catch (cause) {
    throw wrongConfig(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (typeof given !== 'object' || Array.isArray(given)) throw wrongConfig('it is not a mapping');
  const { networking, kubeadmConfigPatches = [], ...rest } = given as KindConfig;
  // kind's own names, which a patch replaces (a list is merged as one value), and the engine's.
  const certSANs = ['localhost', '127.0.0.1', '0.0.0.0', host];
  const patch = stringify({ kind: 'ClusterConfiguration', apiServer: { certSANs } });
  const remote = host !== undefined;
  return stringify({
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    ...rest,
    networking: {
      ...(remote && { apiServerAddress: '0.0.0.0' }),
      ...networking,
      ...(port !== undefined && { apiServerPort: port }),
    },
    // A later patch wins: the user's.
    kubeadmConfigPatches: [...(remote ? [patch] : []), ...kubeadmConfigPatches],
  });
}

interface KindConfig {
  networking?: Record<string, unknown>;
  kubeadmConfigPatches?: string[];
}

function wrongConfig(why: string, cause?: unknown): ModelcarsError {
  return new ModelcarsError('usage', `read --kind-config: ${why}`, {
    next: 'pass a configuration of kind: https://kind.sigs.k8s.io/docs/user/configuration',
    cause,
  });
}

/** Replaces the server address `0.0.0.0` in a kubeconfig of kind with the engine's host. */
export function pointedAt(kubeconfig: string, host: string): string {
  const name = isIPv6(host) ? `[${host}]` : host;
  return kubeconfig.replaceAll(/(server: "?https:\/\/)(?:0\.0\.0\.0|\[::\])(?=:\d)/g, `$1${name}`);
}

/**
 * The local address of this machine's route to the engine; the engine's containers reach this machine at it, through
 * the engine's NAT. Undefined without a connection, or without one over IPv4.
 */
export async function addressTowards({ host, port }: RemoteEngine): Promise<string | undefined> {
  const socket = connect({ host, port, timeout: patience });
  try {
    return await new Promise((resolve) => {
      socket.once('connect', () => resolve(plain(socket.localAddress)));
      socket.once('timeout', () => resolve(undefined));
      socket.once('error', () => resolve(undefined));
    });
  } finally {
    socket.destroy();
  }
}

/** An IPv4 address, also from its IPv6-mapped form. */
function plain(address = ''): string | undefined {
  const bare = address.replace(/^::ffff:/, '');
  return isIPv4(bare) ? bare : undefined;
}
