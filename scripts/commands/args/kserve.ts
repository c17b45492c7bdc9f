import { labelName, objectName } from '../../admission/names.ts';
import type { Problem } from '../../admission/problem.ts';
import { type Mode, modes, type Security, securities, servingPlatforms } from '../../kserve/types.ts';
import { smokeDefaults } from '../../pipeline/smoke-options.ts';
import { type ArgValues, choice, flag, groups, list, text, usage } from './option.ts';
import { junit } from './output.ts';

const { cluster: group, serve } = groups;
type NameCheck = (name: string, expected: string) => Problem | undefined;
const variable = (name: string) => process.env[name] || undefined;

export const kubeconfig = text('kubeconfig', {
  describe: 'its kubeconfig file (default $KUBECONFIG or ~/.kube/config); `cluster` writes it',
  group,
});

export const context = text('context', { describe: 'use an existing cluster (kubeconfig context)', group });

export const namespace = text(
  'namespace',
  { describe: 'namespace to serve in (smoke: must exist; default: a new one, deleted afterwards)', group },
  (given) => (given === undefined ? undefined : validName('namespace', given, labelName)),
);

export const apiPort = text(
  'api-port',
  { describe: "port of the kind cluster's API server (default any that is free)", group },
  readPort,
);

/** How to create a kind cluster. */
export const kindCluster = {
  kind: text(
    'kind',
    { describe: 'the kind program ($MODELCARS_KIND; default kind)', group },
    (given) => given ?? variable('MODELCARS_KIND') ?? smokeDefaults.kind,
  ),
  nodeImage: text(
    'node-image',
    { describe: "image of the kind node ($MODELCARS_KIND_NODE_IMAGE; default kind's own)", group },
    (given) => given ?? variable('MODELCARS_KIND_NODE_IMAGE'),
  ),
  kindConfig: text(
    'kind-config',
    { describe: 'configuration file for kind ($MODELCARS_KIND_CONFIG)', group },
    (given) => given ?? variable('MODELCARS_KIND_CONFIG'),
  ),
  clusterName: text(
    'cluster-name',
    { describe: 'name of the kind cluster (default modelcars-smoke)', group },
    readClusterName,
  ),
  kserveVersion: text(
    'kserve-version',
    { describe: 'KServe for the kind cluster ($MODELCARS_KSERVE_VERSION)', group },
    (given) => given ?? variable('MODELCARS_KSERVE_VERSION'),
  ),
  kserveManifests: list(
    'kserve-manifest',
    {
      describe: 'FILE or URL instead of the release on GitHub; may be repeated ($MODELCARS_KSERVE_MANIFESTS)',
      group,
    },
    (given) => orVariable(given, 'MODELCARS_KSERVE_MANIFESTS'),
  ),
  loadImages: list(
    'load-image',
    {
      describe: 'image or archive .tar to load into the kind node; may be repeated ($MODELCARS_LOAD_IMAGES)',
      group,
    },
    (given) => orVariable(given, 'MODELCARS_LOAD_IMAGES'),
  ),
  cacheImages: flag('cache-images', {
    describe: 'keep the images that kind nodes run in the container engine, for the next cluster',
    group,
  }),
};

export const serverImage = text('server-image', {
  describe: 'image of the model server, with --local, --with-runtime or an LLMInferenceService',
  group: serve,
});

export const servingPlatform = choice('for', servingPlatforms, {
  describe: "kserve (default), or openshift for OpenShift AI's runtimes and dashboard",
  group: serve,
});

export const withRuntime = flag('with-runtime', {
  describe: 'include the ServingRuntime, for a cluster that lacks it',
  group: serve,
});

export const pullSecrets = list(
  'pull-secret',
  {
    describe: 'imagePullSecret for a private registry; may be repeated',
    group: serve,
    commas: true,
  },
  (given) => given.map((one) => validName('pull-secret', one, objectName)),
);

/** Where and how to run the smoke test, under the names of the pipeline's settings. */
export const smoking = {
  context,
  kubeconfig,
  namespace,
  ...kindCluster,
  keepCluster: flag('keep-cluster', {
    describe: 'leave the kind cluster running; the next run with this option reuses it',
    group,
  }),
  local: flag('local', {
    describe: 'no cluster: a model server on this machine, as KServe would run it',
    group,
  }),
  serverCommand: text('server-command', {
    describe: 'with --local: a shell command for the server, which gets MODEL_DIR, MODEL_NAME and PORT',
    group: serve,
  }),
  serverImage,
  withRuntime,
  pullSecrets,
  modes: list(
    'modes',
    {
      describe: `how KServe reads the image: ${modes.join(',')} (default: the model's serving.storage, or oci)`,
      group: serve,
      commas: true,
    },
    (given): Mode[] => readChoices('modes', given, modes),
  ),
  /** Empty: chosen to fit the cluster. */
  security: list(
    'security',
    {
      describe: `security context to test under: ${securities.join(',')} (default: openshift,modelcar in kind, runtime elsewhere)`,
      group: serve,
      commas: true,
    },
    (given): Security[] => readChoices('security', given, securities),
  ),
  /** Seconds. */
  timeout: text(
    'timeout',
    { describe: 'a model must answer within: 90s, 5m, 1h (default 5m)', group: serve },
    (given) => (given === undefined ? smokeDefaults.timeout : readSeconds(given)),
  ),
  junit,
};

export const record = flag('record', {
  describe: 'write the answers of this run into models.yaml as `expect:`, for you to review',
  group: serve,
});

/** The parsed values of `smoking`. */
export type SmokeValues = ArgValues<typeof smoking>;

/** The values given, falling back to those of an environment variable, comma-separated. */
function orVariable(given: string[], name: string): string[] {
  if (given.length > 0) return given;
  return (variable(name)?.split(',') ?? []).filter((one) => one.trim() !== '');
}

function readClusterName(name = smokeDefaults.clusterName): string {
  if (/^[a-z0-9][a-z0-9-]{0,40}$/.test(name)) return name;
  throw usage(`--cluster-name ${name}: must be lower-case letters, digits and \`-\``);
}

function validName(option: string, name: string, check: NameCheck): string {
  const problem = check(name, 'a name');
  if (problem === undefined) return name;
  throw usage(`--${option} ${name}: must be ${problem.expected}${problem.hint ?? ''}`);
}

function readPort(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const port = /^\d{1,5}$/.test(given) ? Number(given) : 0;
  if (port > 0 && port < 65_536) return port;
  throw usage(`--api-port ${given}: must be a port`);
}

/** The values of `known` that were given, in its order. */
function readChoices<T extends string>(option: string, given: readonly string[], known: readonly T[]): T[] {
  const wrong = given.find((one) => !(known as readonly string[]).includes(one));
  if (wrong !== undefined) throw usage(`--${option} ${wrong}: must be one of ${known.join(', ')}`);
  return known.filter((one) => given.includes(one));
}

/** Seconds of `90s`, `5m`, `1h`. */
function readSeconds(given: string): number {
  const match = /^(\d{1,5})(s|m|h)$/.exec(given);
  const seconds = match ? Number(match[1]) * { s: 1, m: 60, h: 3600 }[match[2] as 's' | 'm' | 'h'] : 0;
  if (seconds > 0) return seconds;
  throw usage(`--timeout ${given}: must be a time such as 90s, 5m or 1h`);
}
