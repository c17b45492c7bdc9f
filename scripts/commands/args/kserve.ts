import type { Options } from 'yargs';
import { ModelcarsError } from '../../errors.ts';
import { type Mode, modes, type Security, securities } from '../../kserve/types.ts';

/** Heading of the help. */
export const clusterGroup = 'Which cluster:';
const served = 'How it is served:';

/** Options of `manifest` and of whatever smokes. */
export const kserveOptions = {
  context: {
    type: 'string',
    describe: 'use an existing cluster: kubeconfig context',
    group: clusterGroup,
  },
  kubeconfig: {
    type: 'string',
    describe: 'its kubeconfig file (else $KUBECONFIG, ~/.kube/config); `cluster` writes it',
    group: clusterGroup,
  },
  namespace: {
    type: 'string',
    describe: 'namespace to serve in (smoke: one that is there; else it makes one and deletes it)',
    group: clusterGroup,
  },
  kind: { type: 'string', describe: 'the kind program ($MODELCARS_KIND; default kind)', group: clusterGroup },
  'node-image': {
    type: 'string',
    describe: "image of the kind node ($MODELCARS_KIND_NODE_IMAGE; default kind's own)",
    group: clusterGroup,
  },
  'kind-config': {
    type: 'string',
    describe: 'configuration file for kind ($MODELCARS_KIND_CONFIG)',
    group: clusterGroup,
  },
  'api-port': {
    type: 'string',
    describe: "port of the kind cluster's API server (default any that is free)",
    group: clusterGroup,
  },
  'cluster-name': {
    type: 'string',
    describe: 'name of the kind cluster (default modelcars-smoke)',
    group: clusterGroup,
  },
  'keep-cluster': {
    type: 'boolean',
    describe: 'leave the kind cluster standing; the next run with this takes it again',
    group: clusterGroup,
  },
  'kserve-version': {
    type: 'string',
    describe: 'KServe for the kind cluster ($MODELCARS_KSERVE_VERSION)',
    group: clusterGroup,
  },
  'kserve-manifest': {
    array: true,
    type: 'string',
    describe: 'FILE or URL instead of the release on GitHub; may be repeated ($MODELCARS_KSERVE_MANIFESTS)',
    group: clusterGroup,
  },
  'load-image': {
    array: true,
    type: 'string',
    describe: 'image or archive .tar to load into the kind node; may be repeated ($MODELCARS_LOAD_IMAGES)',
    group: clusterGroup,
  },
  'cache-images': {
    type: 'boolean',
    describe: 'the container engine keeps the images that kind nodes run, for the next cluster',
    group: clusterGroup,
  },
  local: {
    type: 'boolean',
    describe: 'no cluster: a model server on this machine, as KServe would run it',
    group: clusterGroup,
  },
  'server-command': {
    type: 'string',
    describe: 'with --local: a shell command for the server; it finds MODEL_DIR, MODEL_NAME and PORT',
    group: served,
  },
  'server-image': {
    type: 'string',
    describe: 'image of the model server, with --local or --with-runtime',
    group: served,
  },
  'with-runtime': {
    type: 'boolean',
    describe: 'bring the ServingRuntime along, for a cluster that lacks it',
    group: served,
  },
  'pull-secret': {
    array: true,
    type: 'string',
    describe: 'imagePullSecret for a private registry; may be repeated',
    group: served,
  },
  modes: {
    array: true,
    type: 'string',
    describe: `how KServe reads the image: ${modes.join(',')} (default oci)`,
    group: served,
  },
  security: {
    array: true,
    type: 'string',
    describe: `security context to test under: ${securities.join(',')} (default: openshift,modelcar in kind, runtime elsewhere)`,
    group: served,
  },
  timeout: {
    type: 'string',
    describe: 'a model must answer within: 90s, 5m, 1h (default 5m)',
    group: served,
  },
  junit: { type: 'string', describe: 'a file for the results as JUnit XML', group: 'Output:' },
  smoke: {
    type: 'boolean',
    describe: 'push only models that pass the smoke test: build, smoke, push the same digests',
    group: 'Build and transfer:',
  },
} satisfies Record<string, Options>;

/** Options that say how a kind cluster is made. */
export const clusterOptions = [
  'kind',
  'node-image',
  'kind-config',
  'cluster-name',
  'kserve-version',
  'kserve-manifest',
  'load-image',
  'cache-images',
] satisfies (keyof typeof kserveOptions)[];

/** Options that say where and how to smoke. */
export const smokeOptions = [
  'context',
  'kubeconfig',
  'namespace',
  ...clusterOptions,
  'keep-cluster',
  'local',
  'server-command',
  'server-image',
  'with-runtime',
  'pull-secret',
  'modes',
  'security',
  'timeout',
  'junit',
] satisfies (keyof typeof kserveOptions)[];

/** The same after parsing; what may also come from the environment does so here. */
export interface KserveFlags {
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
  local: boolean;
  serverCommand?: string;
  serverImage?: string;
  withRuntime: boolean;
  pullSecrets: string[];
  modes: Mode[];
  /** Empty: as fits the cluster. */
  security: Security[];
  /** Seconds. */
  timeout: number;
  junit?: string;
  /** Of `push`. */
  gate: boolean;
}

/** What the options' readers give: see readFlags. */
export interface Readers {
  text(name: string): string | undefined;
  list(name: string, commas?: boolean): string[];
  flag(name: string): boolean;
}

/** Fails with code `usage`. */
export function readKserveFlags(
  { text, list, flag }: Readers,
  environment: NodeJS.ProcessEnv = process.env,
): KserveFlags {
  const optional = <K extends string>(key: K, value: string | undefined) =>
    (value === undefined ? {} : { [key]: value }) as { [P in K]?: string };
  const variable = (name: string) => environment[name] || undefined;
  const several = (option: string, name: string) => {
    const given = list(option);
    return given.length > 0 ? given : (variable(name)?.split(',') ?? []).filter((one) => one.trim() !== '');
  };
  return {
    ...optional('context', text('context')),
    ...optional('kubeconfig', text('kubeconfig')),
    ...optional('namespace', text('namespace')),
    kind: text('kind') ?? variable('MODELCARS_KIND') ?? 'kind',
    ...optional('nodeImage', text('node-image') ?? variable('MODELCARS_KIND_NODE_IMAGE')),
    ...optional('kindConfig', text('kind-config') ?? variable('MODELCARS_KIND_CONFIG')),
    ...port(text('api-port')),
    clusterName: clusterName(text('cluster-name')),
    keepCluster: flag('keep-cluster'),
    ...optional('kserveVersion', text('kserve-version') ?? variable('MODELCARS_KSERVE_VERSION')),
    kserveManifests: several('kserve-manifest', 'MODELCARS_KSERVE_MANIFESTS'),
    loadImages: several('load-image', 'MODELCARS_LOAD_IMAGES'),
    cacheImages: flag('cache-images'),
    local: flag('local'),
    ...optional('serverCommand', text('server-command')),
    ...optional('serverImage', text('server-image')),
    withRuntime: flag('with-runtime'),
    pullSecrets: list('pull-secret', true),
    modes: choices('modes', list('modes', true), modes, ['oci']),
    security: choices('security', list('security', true), securities, []),
    timeout: duration(text('timeout') ?? '5m'),
    ...optional('junit', text('junit')),
    gate: flag('smoke'),
  };
}

function clusterName(name = 'modelcars-smoke'): string {
  if (/^[a-z0-9][a-z0-9-]{0,40}$/.test(name)) return name;
  throw usage(`--cluster-name ${name}: must be lower-case letters, digits and \`-\``);
}

function port(given: string | undefined): { apiPort?: number } {
  if (given === undefined) return {};
  const apiPort = /^\d{1,5}$/.test(given) ? Number(given) : 0;
  if (apiPort > 0 && apiPort < 65_536) return { apiPort };
  throw usage(`--api-port ${given}: must be a port`);
}

function choices<T extends string>(
  option: string,
  given: readonly string[],
  known: readonly T[],
  otherwise: T[],
): T[] {
  const wrong = given.find((one) => !(known as readonly string[]).includes(one));
  if (wrong !== undefined) throw usage(`--${option} ${wrong}: must be one of ${known.join(', ')}`);
  return given.length === 0 ? otherwise : known.filter((one) => given.includes(one));
}

/** Seconds of `90s`, `5m`, `1h`. */
function duration(text: string): number {
  const match = /^(\d{1,5})(s|m|h)$/.exec(text);
  const seconds = match ? Number(match[1]) * { s: 1, m: 60, h: 3600 }[match[2] as 's' | 'm' | 'h'] : 0;
  if (seconds > 0) return seconds;
  throw usage(`--timeout ${text}: must be a time such as 90s, 5m or 1h`);
}

function usage(message: string): ModelcarsError {
  return new ModelcarsError('usage', message);
}
