import { CacheSharingMode, type Container, type Directory, dag } from '@dagger.io/dagger';

/** Where the program lies in its containers, and the caller's catalog. */
export const home = '/modelcars';
export const work = '/work';
/** What `--store` is outside: downloads, base images, digests of layers made before. */
export const store = '/store';

/** What runs: no tests, so that a changed test rebuilds no image. */
const program = {
  include: ['scripts', 'frameworks', 'base/layout', 'package.json', 'package-lock.json'],
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
  return ready(withPackages(image, code).withDirectory(home, code.filter(program)));
}

/** The same on another image, with a cache for the model servers that it installs there. */
export function withProgramOn(image: string, whole: Container): Container {
  return ready(
    withNode(dag.container().from(image)).withDirectory(home, whole.directory(home)),
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

/** All of the repository, for its checks; `git` is what some of them ask for, and need not be there. */
export function withRepository(image: string, code: Directory): Container {
  return withPackages(image, code).withDirectory(home, code).withEnvVariable('CI', 'true');
}

/** The command line of the program. */
export function modelcars(...words: string[]): string[] {
  return ['node', `${home}/scripts/modelcars.ts`, ...words];
}

/** `--name value` for each value; nothing for what was not given. */
export function flags(values: Record<string, string | string[] | undefined>): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    [value ?? []].flat().flatMap((one) => (one === '' ? [] : [`--${name}`, one])),
  );
}

/** A step that runs uncached, whatever ran before: what it does lies outside the engine. */
export function uncached(container: Container): Container {
  return container.withEnvVariable('MODELCARS_RUN', crypto.randomUUID());
}
