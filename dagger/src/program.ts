import { CacheSharingMode, type Container, type Directory, dag, type File } from '@dagger.io/dagger';
import { developerPackages } from './program-files.ts';

/** The images that steps run in: the program's, the model server's, and those that kind clusters need. */
export type ImageRefs = { node: string; python: string; docker: string; golang: string };

/** What images are built with instead of what models.yaml says; an empty value leaves models.yaml in force. */
export type Overrides = { base: string; platforms: string[]; compression: string; mirrors: string[] };

/**
 * How the module's functions run the program: settled by the constructor and the `with…` functions, before a function runs. The fields
 * are of types that an engine stores between two calls: it restores objects of its own API only where they are a field themselves, so
 * secrets and files are kept as the containers that have them.
 */
export interface Settings {
  /** The program by itself: Node, bundle, caches. */
  program: Container;
  /** The program with credentials, proxies and certificate authorities, for steps that reach sources and registries. */
  connected: Container;
  /** The flags that `connected` needs. */
  connection: string[];
  /** `connected` with what signs: the key or the identity, for steps that push. */
  signing: Container;
  /** The flags that `signing` needs; empty when nothing is signed. */
  signingFlags: string[];
  /** The flags that sign by a private Sigstore. */
  sigstoreFlags: string[];
  /** The flags that verify signatures against a private Sigstore. */
  trustFlags: string[];
  /** The plain variables of `connected` that its caller named: `NAME=value`. */
  variables: string[];
  imageRefs: ImageRefs;
  overrides: Overrides;
  /** The program with the files that a kind cluster is made of. */
  kindFiles: Container;
  /** The flags that `kindFiles` needs. */
  kindFlags: string[];
  /** The kind program for Linux; by default it is built in `imageRefs.golang`. */
  kindProgram?: File;
}

/** The settings of an object that has more than these. */
export function settingsOf(object: Settings): Settings {
  const { program, connected, connection, signing, signingFlags, sigstoreFlags, trustFlags } = object;
  const { variables, imageRefs, overrides, kindFiles, kindFlags, kindProgram } = object;
  return {
    ...{ program, connected, connection, signing, signingFlags, sigstoreFlags, trustFlags },
    ...{ variables, imageRefs, overrides, kindFiles, kindFlags, kindProgram },
  };
}

/** Where the program lies in its containers, and the caller's catalog. */
export const home = '/modelcars';
export const work = '/catalog';
/** What `--store` is outside: downloads, base images, digests of layers made before. */
export const store = '/store';

/** The package as npm publishes it: what the program reads at run time. A test compares this with package.json. */
const packageFiles = [
  'LICENSE',
  'base/layout',
  'ci',
  'dist',
  'frameworks',
  'models.schema.json',
  'package.json',
  'scripts/kserve/local/server',
];

/** Installs what the lock file has, without the packages in the arguments. */
const install = 'npm pkg delete "$@" && npm ci --no-audit --no-fund';

/** Node's place beside the program: the pinned one, so that every door compresses with the same libraries. */
const nodeProgram = 'bin/node';

/**
 * The program, built of its source: the files of the package and Node, and none of the packages that it was built with. The steps change
 * with the program only, so an engine runs them once per version.
 */
function builtProgram(image: string, code: Directory, npmRegistry: string): Directory {
  const manifests = code.filter({ include: ['package.json', 'package-lock.json'] });
  const registry = npmRegistry && { npm_config_registry: npmRegistry };
  const built = withVariables(dag.container().from(image), { NODE_USE_SYSTEM_CA: '1', ...registry })
    .withMountedCache('/root/.npm', dag.cacheVolume('modelcars-npm'))
    .withWorkdir(home)
    .withDirectory(home, manifests)
    .withExec(['sh', '-c', install, 'sh', ...developerPackages.map((name) => `devDependencies.${name}`)])
    .withEnvVariable('PATH', `${home}/node_modules/.bin:\${PATH}`, { expand: true })
    .withDirectory(home, code)
    .withEnvVariable('MODELCARS_BUILD', 'program')
    .withExec(['npm', 'run', 'build'])
    .directory(home);
  return dag
    .directory()
    .withDirectory('/', built, { include: packageFiles })
    .withFile(nodeProgram, built.file('node_modules/node/bin/node'));
}

/** The program, ready to run in the folder of a catalog. `CI` keeps it to the lock and to plain lines. */
export function withProgram(image: string, code: Directory, npmRegistry: string): Container {
  return ready(
    dag
      .container()
      .from(image)
      .withDirectory(home, builtProgram(image, code, npmRegistry)),
  );
}

/** The program on another image, with a cache for the model servers that it installs there. */
export function withProgramOn(image: string, program: Container): Container {
  const container = ready(dag.container().from(image).withDirectory(home, program.directory(home)));
  return container.withMountedCache('/root/.cache', dag.cacheVolume('modelcars-servers'), {
    sharing: CacheSharingMode.Shared,
  });
}

/** With the Node of the program first. Authorities that the engine was given (a proxy's) are in the system's store. */
function ready(container: Container): Container {
  return withVariables(container, { NODE_USE_SYSTEM_CA: '1', CI: 'true', MODELCARS_STORE: store })
    .withEnvVariable('PATH', `${home}/bin:\${PATH}`, { expand: true })
    .withMountedCache(store, dag.cacheVolume('modelcars-store'), { sharing: CacheSharingMode.Shared })
    .withWorkdir(work);
}

/** With plain variables; an empty value sets none. */
export function withVariables(container: Container, values: Record<string, string>): Container {
  let ready = container;
  for (const [name, value] of Object.entries(values)) if (value) ready = ready.withEnvVariable(name, value);
  return ready;
}

/** With variables as `NAME=value`. */
export function withNamed(container: Container, variables: string[]): Container {
  const pairs = variables.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]);
  return withVariables(container, Object.fromEntries(pairs) as Record<string, string>);
}

/** The command line of the program. */
export function modelcars(...words: string[]): string[] {
  return ['node', `${home}/dist/modelcars.js`, ...words];
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
