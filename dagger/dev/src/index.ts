/**
 * Checks of the repository of modelcars itself: lint, types, unit tests.
 *
 * `dagger -m dagger/dev check`. The checks of a repository with models are those of the module beside it.
 */
import { argument, type Container, check, type Directory, dag, func, object } from '@dagger.io/dagger';

/** As in dagger/src/images.ts: Linux with glibc, Node and npm. */
const pinnedNode =
  'docker.io/library/node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d';
const home = '/modelcars';

@object()
export class ModelcarsDev {
  repository: Container;

  /**
   * @param code The repository of modelcars
   * @param nodeImage The image that everything runs in: Linux with glibc, Node and npm
   */
  constructor(
    @argument({
      defaultPath: '/',
      ignore: [
        '.git',
        '**/node_modules',
        'out',
        'out.tar',
        'coverage',
        'dist',
        'dagger/**/sdk',
        '**/__pycache__',
      ],
    })
    code: Directory,
    nodeImage: string = pinnedNode,
  ) {
    const manifests = code.filter({ include: ['package.json', 'package-lock.json', '.npmrc'] });
    this.repository = dag
      .container()
      .from(nodeImage)
      .withEnvVariable('NODE_USE_SYSTEM_CA', '1')
      .withMountedCache('/root/.npm', dag.cacheVolume('modelcars-npm'))
      .withWorkdir(home)
      .withDirectory(home, manifests)
      .withExec(['npm', 'ci', '--no-audit', '--no-fund'])
      .withEnvVariable('PATH', `${home}/node_modules/.bin:\${PATH}`, { expand: true })
      // Some tests ask for `git`, and pass without it.
      .withDirectory(home, code)
      .withEnvVariable('CI', 'true');
  }

  /** Lint and format */
  @func()
  @check()
  async lint(): Promise<void> {
    await this.repository.withExec(['biome', 'check', '--vcs-enabled=false', '.']).sync();
  }

  /** Types */
  @func()
  @check()
  async types(): Promise<void> {
    await this.repository.withExec(['tsc']).sync();
  }

  /** Unit tests */
  @func()
  @check()
  async tests(): Promise<void> {
    await this.repository.withExec(['vitest', 'run', '--project', 'unit']).sync();
  }
}
