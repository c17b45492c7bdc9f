import {
  CacheSharingMode,
  type Container,
  type Directory,
  dag,
  type File,
  type Secret,
} from '@dagger.io/dagger';

/** The images that steps run in: the program's, the model server's, and those that kind clusters need. */
export type ImageRefs = { node: string; python: string; docker: string; go: string };

/** What images are built with instead of what models.yaml says; an empty value leaves models.yaml in force. */
export type Overrides = { base: string; platforms: string[]; compression: string; mirrors: string[] };

/**
 * How the module's functions run the program: settled by the constructor and the `with…` functions, before a function runs. The fields
 * are of types that an engine stores between two calls: it restores objects of its own API only where they are a field themselves, so
 * secrets and files are kept as the containers that have them.
 */
export interface Settings {
  /** The program by itself: Node, packages, scripts, caches. */
  program: Container;
  /** The program with credentials and certificate authorities, for steps that reach sources and registries. */
  connected: Container;
  /** The flags that `connected` needs. */
  connection: string[];
  imageRefs: ImageRefs;
  overrides: Overrides;
  /** The program with the files that a kind cluster is made of. */
  kindFiles: Container;
  /** The flags that `kindFiles` needs. */
  kindFlags: string[];
  /** The kind program for Linux; by default it is built in `imageRefs.go`. */
  kindProgram?: File;
}

/** The settings of an object that has more than these. */
export function settingsOf(object: Settings): Settings {
  const { program, connected, connection, imageRefs, overrides } = object;
  const { kindFiles, kindFlags, kindProgram } = object;
  return { program, connected, connection, imageRefs, overrides, kindFiles, kindFlags, kindProgram };
}

/** How sources, base images and registries are reached. */
export interface Access {
  hfToken?: Secret;
  dockerConfig?: Secret;
  caFile?: File;
  plainHttp: string[];
}

/** Credentials and place of S3 buckets. */
export interface S3Access {
  accessKeyId?: Secret;
  secretAccessKey?: Secret;
  sessionToken?: Secret;
  region: string;
  endpoint: string;
}

/** Where the program lies in its containers, and the caller's catalog. */
export const home = '/modelcars';
export const work = '/work';
/** What `--store` is outside: downloads, base images, digests of layers made before. */
export const store = '/store';

const dockerConfigPath = '/run/secrets/registry/config.json';
const caPath = '/run/ca/ca.pem';

/** The files that run, and those that the program's image is made of: no tests, so that a changed test rebuilds no image. */
const programFiles = {
  include: [
    'LICENSE',
    'base/layout',
    'ci',
    'frameworks',
    'models.schema.json',
    'package-lock.json',
    'package.json',
    'rolldown.config.ts',
    'scripts',
    'tsconfig.json',
  ],
  exclude: ['**/*.test.ts', '**/node_modules'],
};

/** Node and the program's packages. A step of its own: it changes with package-lock.json only. */
export function withPackages(image: string, code: Directory): Container {
  const manifests = code.filter({ include: ['package.json', 'package-lock.json', '.npmrc'] });
  const installed = dag
    .container()
    .from(image)
    .withEnvVariable('NODE_USE_SYSTEM_CA', '1')
    .withMountedCache('/root/.npm', dag.cacheVolume('modelcars-npm'))
    .withWorkdir(home)
    .withDirectory(home, manifests)
    .withExec(['npm', 'ci', '--no-audit', '--no-fund']);
  return withNode(installed);
}

/** With the Node of the packages first. Authorities that the engine was given (a proxy's) are in the system's store. */
function withNode(container: Container): Container {
  return container
    .withEnvVariable('NODE_USE_SYSTEM_CA', '1')
    .withEnvVariable('PATH', `${home}/node_modules/.bin:\${PATH}`, { expand: true });
}

/** The program, ready to run in the folder of a catalog. `CI` keeps it to the lock and to plain lines. */
export function withProgram(image: string, code: Directory): Container {
  return ready(withPackages(image, code).withDirectory(home, code.filter(programFiles)));
}

/** The program on another image, with a cache for the model servers that it installs there. */
export function withProgramOn(image: string, program: Container): Container {
  return ready(
    withNode(dag.container().from(image)).withDirectory(home, program.directory(home)),
  ).withMountedCache('/root/.cache', dag.cacheVolume('modelcars-servers'), {
    sharing: CacheSharingMode.Shared,
  });
}

function ready(container: Container): Container {
  return container
    .withEnvVariable('CI', 'true')
    .withEnvVariable('MODELCARS_STORE', store)
    .withMountedCache(store, dag.cacheVolume('modelcars-store'), { sharing: CacheSharingMode.Shared })
    .withWorkdir(work);
}

/** All of the repository, for its checks. Some of them ask for `git`, and pass without it. */
export function withRepository(image: string, code: Directory): Container {
  return withPackages(image, code).withDirectory(home, code).withEnvVariable('CI', 'true');
}

/** With credentials as secret variables and files; no value of one is part of a cache key, a layer or a log. */
export function withAccess(container: Container, { hfToken, dockerConfig, caFile }: Access): Container {
  let connected = hfToken ? container.withSecretVariable('HF_TOKEN', hfToken) : container;
  if (dockerConfig) {
    connected = connected
      .withMountedSecret(dockerConfigPath, dockerConfig)
      .withEnvVariable('REGISTRY_AUTH_FILE', dockerConfigPath);
  }
  return caFile ? connected.withMountedFile(caPath, caFile) : connected;
}

/** The flags that `withAccess` needs. */
export function accessFlags({ caFile, plainHttp }: Access): string[] {
  return flags({ 'ca-file': caFile && caPath, insecure: plainHttp });
}

/** With a login for the registries that a container engine pulls the cluster's images from. */
export function withLogin(container: Container, dockerConfig?: Secret): Container {
  if (!dockerConfig) return container;
  return container
    .withMountedSecret('/run/secrets/docker/config.json', dockerConfig)
    .withEnvVariable('DOCKER_CONFIG', '/run/secrets/docker');
}

/** With credentials, region and server of S3 buckets. */
export function withS3Access(container: Container, access: S3Access): Container {
  const secrets: [string, Secret | undefined][] = [
    ['AWS_ACCESS_KEY_ID', access.accessKeyId],
    ['AWS_SECRET_ACCESS_KEY', access.secretAccessKey],
    ['AWS_SESSION_TOKEN', access.sessionToken],
  ];
  const words: [string, string][] = [
    ['AWS_REGION', access.region],
    ['S3_ENDPOINT_URL', access.endpoint],
  ];
  let connected = container;
  for (const [name, secret] of secrets) if (secret) connected = connected.withSecretVariable(name, secret);
  for (const [name, word] of words) if (word) connected = connected.withEnvVariable(name, word);
  return connected;
}

/** The command line of the program. */
export function modelcars(...words: string[]): string[] {
  return ['node', `${home}/scripts/modelcars.ts`, ...words];
}

/** `--name value` for each value, `--name` for true; nothing for an empty or missing one. */
export function flags(values: Record<string, string | string[] | boolean | undefined>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (typeof value === 'boolean') return value ? [`--${name}`] : [];
    return [value ?? []].flat().flatMap((one) => (one === '' ? [] : [`--${name}`, one]));
  });
}

/** The flags of overrides that choose a base image: those that `split` and `verify` take. */
export function baseFlags({ base, platforms, mirrors }: Overrides): string[] {
  return flags({ base, platform: platforms, mirror: mirrors });
}

/** The flags of all overrides. */
export function overrideFlags({ base, platforms, compression, mirrors }: Overrides): string[] {
  return flags({ base, platform: platforms, compression, mirror: mirrors });
}

/** A container whose next steps run on every call, cached or not: their work lies outside the engine. */
export function uncached(container: Container): Container {
  return container.withEnvVariable('MODELCARS_RUN', crypto.randomUUID());
}
