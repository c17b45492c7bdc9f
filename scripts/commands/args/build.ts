import type { Options } from 'yargs';
import type { CacheFlags } from '../../cache/settings.ts';
import type { Overrides } from '../../catalog/defaults.ts';
import type { Compression } from '../../model/types.ts';
import { type MatrixForm, matrixForms } from '../output/matrix.ts';
import { type KserveFlags, kserveOptions, readKserveFlags } from './kserve.ts';
import { count, flag, list, type Parsed, text, usage } from './option.ts';

export { type Parsed, usage } from './option.ts';

/** Headings of the help, in its order. */
export const groups = {
  select: 'Selection:',
  override: 'Overrides:',
  transport: 'Build and transfer:',
  show: 'Output:',
};
const { select, override, transport, show } = groups;

/** Every option there is; a command lists those it takes by name. */
export const allOptions = {
  file: {
    alias: 'f',
    type: 'string',
    default: 'models.yaml',
    describe: 'the catalog (default models.yaml); its lock lies beside it: dev.yaml has dev.lock.yaml',
    group: select,
  },
  only: {
    array: true,
    type: 'string',
    describe: 'only models of framework=NAME or name=GLOB; may be repeated',
    group: select,
  },
  shard: {
    type: 'string',
    describe: 'only the I-th of N parts, balanced by size: I/N; `auto` in a Kubernetes Indexed Job',
    group: select,
  },
  registry: { type: 'string', describe: 'registry and path to push to: quay.io/me', group: override },
  version: { type: 'string', describe: 'version of the images: v1.2.3', group: override },
  tag: { array: true, type: 'string', describe: 'one more tag; may be repeated', group: override },
  'no-floating-tags': { type: 'boolean', describe: 'do not set v1.2, v1 and latest', group: override },
  base: { type: 'string', describe: '`embedded` or an image reference', group: override },
  platform: {
    array: true,
    type: 'string',
    describe: 'linux/amd64,linux/arm64; may be repeated',
    group: override,
  },
  compression: {
    type: 'string',
    choices: ['none', 'gzip', 'zstd'],
    describe: 'of model layers: none (fastest to pull), gzip or zstd',
    group: override,
  },
  mirror: {
    array: true,
    type: 'string',
    describe: 'pull bases under FROM=TO instead; may be repeated',
    group: override,
  },
  output: {
    alias: 'o',
    type: 'string',
    default: 'out',
    describe: 'the OCI image layout on disk (default out)',
    group: transport,
  },
  store: {
    type: 'string',
    describe: 'cache of downloads (else $MODELCARS_STORE, ~/.cache/modelcars)',
    group: transport,
  },
  keep: {
    type: 'boolean',
    describe: 'keep downloaded model files in the store: the next run needs no network',
    group: transport,
  },
  frozen: {
    type: 'boolean',
    describe: 'fail when the lock is missing or stale (default when CI=true)',
    group: transport,
  },
  layers: {
    type: 'boolean',
    describe: 'read models on a hub too, to lock the digest of every layer',
    group: transport,
  },
  'no-frozen': {
    type: 'boolean',
    describe: 'resolve what the lock lacks, also when CI=true',
    group: transport,
  },
  verify: {
    type: 'boolean',
    describe: 'verify what was built, as the command verify does',
    group: transport,
  },
  remote: {
    type: 'boolean',
    describe: 'look at the registry, not at the layout in --output',
    group: transport,
  },
  insecure: { array: true, type: 'string', describe: 'registry host to reach over http', group: transport },
  'ca-file': {
    type: 'string',
    describe: 'PEM file of certificate authorities to trust too',
    group: transport,
  },
  concurrency: { type: 'number', describe: 'models worked on at a time (default 4)', group: transport },
  'older-than': {
    type: 'string',
    describe: 'what was not used for so long goes: 30d, 12h (default 30d, unless --max-size is given)',
    group: transport,
  },
  'max-size': {
    type: 'string',
    describe: 'the least recently used goes until the store is no larger: 200GB',
    group: transport,
  },
  'model-name': {
    type: 'string',
    describe: 'a model on the hub: org/name[:revision] ($MODEL_NAME)',
    group: select,
  },
  bucket: { type: 'string', describe: 'the S3 bucket of the cache ($S3_BUCKET)', group: transport },
  prefix: {
    type: 'string',
    describe: 'where models lie in it ($S3_PREFIX; default models/)',
    group: transport,
  },
  'endpoint-url': {
    type: 'string',
    describe: 'an S3 server that is not Amazon ($S3_ENDPOINT_URL)',
    group: transport,
  },
  'download-dir': {
    type: 'string',
    describe: 'a folder that keeps downloads, so that they are resumed ($DOWNLOAD_DIR)',
    group: transport,
  },
  workers: { type: 'number', describe: 'files and parts sent at a time (default 10)', group: transport },
  ...kserveOptions,
  all: { type: 'boolean', describe: 'everything goes that no running modelcars uses', group: transport },
  'dry-run': { alias: 'n', type: 'boolean', describe: 'say what would be done, write nothing', group: show },
  'exit-code': {
    type: 'boolean',
    describe: 'exit with 3 when the lock changed, or with --dry-run would change',
    group: show,
  },
  matrix: {
    type: 'string',
    choices: matrixForms,
    describe:
      "a CI job a model, as JSON: for GitHub's matrix, GitLab's, or names only (Argo, Tekton, Jenkins)",
    group: show,
  },
  json: { type: 'boolean', describe: 'one JSON document on stdout, nothing else there', group: show },
  'no-progress': { type: 'boolean', describe: 'no progress (also DISABLE_PROGRESS=true)', group: show },
} satisfies Record<string, Options>;

export type OptionName = keyof typeof allOptions;

/** Option sets several commands share. */
export const optionSets = {
  models: ['file', 'only'],
  overrides: ['registry', 'version', 'tag', 'base', 'platform', 'compression', 'mirror'],
  access: ['store', 'insecure', 'ca-file', 'concurrency'],
  output: ['json', 'no-progress'],
} satisfies Record<string, OptionName[]>;

/** The command line after parsing: defaults in place, forms checked. */
export interface Flags {
  file: string;
  models: string[];
  /** The image to inspect. */
  image: string;
  only: string[];
  /** As typed: `2/4` or `auto`. */
  shard?: string;
  overrides: Overrides;
  output: string;
  store?: string;
  keep: boolean;
  /** What `prune` takes away, as typed. */
  prune: { olderThan?: string; maxSize?: string; all: boolean };
  /** What `cache` brings where, as typed. */
  cache: CacheFlags;
  /** How KServe is to serve, and where it smokes. */
  kserve: KserveFlags;
  /** Undefined when neither --frozen nor --no-frozen was given. */
  frozen?: boolean;
  /** Whether `lock` reads what it need not, for the layers' digests. */
  layers: boolean;
  remote: boolean;
  verify: boolean;
  registry: { insecure?: string[]; caFile?: string };
  concurrency?: number;
  dryRun: boolean;
  /** Whether a lock that changes is an exit code of its own. */
  exitCode: boolean;
  matrix?: MatrixForm;
  json: boolean;
}

/** Checks the forms of option values and names them as the rest of the program does. Fails with code `usage`. */
export function readFlags(parsed: Parsed): Flags {
  const frozen = flag(parsed, 'no-frozen') ? false : flag(parsed, 'frozen') ? true : undefined;
  if (flag(parsed, 'no-frozen') && flag(parsed, 'frozen'))
    throw usage('--frozen and --no-frozen exclude each other');
  const tags = list(parsed, 'tag', true);
  const platforms = list(parsed, 'platform', true);
  const mirrors = list(parsed, 'mirror');
  const insecure = list(parsed, 'insecure', true);
  return {
    file: text(parsed, 'file') ?? 'models.yaml',
    models: list(parsed, 'model'),
    image: text(parsed, 'image') ?? '',
    only: list(parsed, 'only'),
    overrides: defined({
      registry: text(parsed, 'registry'),
      version: text(parsed, 'version'),
      tags: tags.length > 0 ? tags : undefined,
      floatingTags: flag(parsed, 'no-floating-tags') ? false : undefined,
      base: text(parsed, 'base'),
      platforms: platforms.length > 0 ? platforms : undefined,
      compression: text(parsed, 'compression') as Compression | undefined,
      mirrors: mirrors.length > 0 ? Object.fromEntries(mirrors.map(splitMirror)) : undefined,
    }),
    output: text(parsed, 'output') ?? 'out',
    remote: flag(parsed, 'remote'),
    verify: flag(parsed, 'verify'),
    registry: defined({
      insecure: insecure.length > 0 ? insecure : undefined,
      caFile: text(parsed, 'ca-file'),
    }),
    dryRun: flag(parsed, 'dry-run'),
    exitCode: flag(parsed, 'exit-code'),
    keep: flag(parsed, 'keep'),
    layers: flag(parsed, 'layers'),
    prune: {
      ...defined({ olderThan: text(parsed, 'older-than'), maxSize: text(parsed, 'max-size') }),
      all: flag(parsed, 'all'),
    },
    cache: defined({
      modelName: text(parsed, 'model-name'),
      bucket: text(parsed, 'bucket'),
      prefix: text(parsed, 'prefix'),
      endpointUrl: text(parsed, 'endpoint-url'),
      downloadDir: text(parsed, 'download-dir'),
      workers: count(parsed, 'workers'),
    }),
    kserve: readKserveFlags({
      text: (name) => text(parsed, name),
      list: (name, commas) => list(parsed, name, commas),
      flag: (name) => flag(parsed, name),
    }),
    json: flag(parsed, 'json'),
    ...defined({
      store: text(parsed, 'store'),
      frozen,
      concurrency: count(parsed, 'concurrency'),
      shard: text(parsed, 'shard'),
      matrix: text(parsed, 'matrix') as MatrixForm | undefined,
    }),
  };
}

/** Without the keys whose value is undefined: exactOptionalPropertyTypes tells "absent" from "undefined". */
export function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function splitMirror(mirror: string): [string, string] {
  const at = mirror.indexOf('=');
  const [from, to] = [mirror.slice(0, at), mirror.slice(at + 1)];
  if (at < 1 || to === '')
    throw usage(`--mirror ${mirror}: must be FROM=TO`, 'for example --mirror docker.io=mirror.me');
  return [from, to];
}
