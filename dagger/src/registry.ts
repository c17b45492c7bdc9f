import {
  argument,
  type Container,
  type Directory,
  type File,
  func,
  object,
  type Secret,
  type Service,
} from '@dagger.io/dagger';
import { selectionWords, verifyBuilt } from './catalog.ts';
import { smokeBuilt } from './cluster.ts';
import { stdoutOf } from './errors.ts';
import {
  baseFlags,
  flags,
  type ImageRefs,
  modelcars,
  type Overrides,
  overrideFlags,
  type Settings,
  settingsOf,
  uncached,
  work,
} from './program.ts';

/** How a registry is named and reached. */
export interface RegistryAccess {
  /** Registry and path: `quay.io/me`; the catalog's own when empty. */
  address: string;
  username: string;
  password?: Secret;
  /** A registry that is a service of Dagger, or on the caller's machine. */
  service?: Service;
  /** Hosts to reach over http. */
  insecure: string[];
}

/** A registry, to push a catalog's models to and to verify what it holds */
@object()
export class Registry implements Settings {
  // Without a constructor: Dagger takes a constructor's parameters for arguments of the API. `registryOf` sets the fields.
  declare program: Container;
  declare connected: Container;
  declare connection: string[];
  declare imageRefs: ImageRefs;
  declare overrides: Overrides;
  declare kindFiles: Container;
  declare kindFlags: string[];
  declare kindProgram?: File;
  /** The program with the registry's own credentials and, when it is a service, a way to it. */
  declare pushing: Container;
  /** The flags that `pushing` needs. */
  declare registryFlags: string[];

  /**
   * Push images and their tags, straight from the models' sources
   *
   * A version tag never moves, `latest` and the like only move forward; what the registry has is not sent again.
   *
   * @param source The folder of models.yaml
   * @param version Version of the images: v1.2.3
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param tag More tags
   * @param dryRun Show what would be sent and which tags would move
   */
  @func({ cache: 'never' })
  async push(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    version: string = '',
    models: string[] = [],
    only: string[] = [],
    tag: string[] = [],
    dryRun: boolean = false,
  ): Promise<string> {
    const words = [...selectionWords({ source, models, only, version }), ...flags({ tag })];
    const more = [...overrideFlags(this.overrides), ...this.registryFlags, ...(dryRun ? ['--dry-run'] : [])];
    return await this.run(source, ['push', ...words, ...more]);
  }

  /**
   * Verify that the images in the registry are what KServe can serve
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   */
  @func({ cache: 'never' })
  async verify(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    version: string = '',
  ): Promise<string> {
    const words = selectionWords({ source, models, only, version });
    const more = [...baseFlags(this.overrides), '--remote', ...this.registryFlags];
    return await this.run(source, ['verify', ...words, ...more]);
  }

  /**
   * Build, verify, smoke, and push models that pass the smoke test
   *
   * @param source The folder of models.yaml
   * @param version Version of the images: v1.2.3
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param tag More tags
   * @param local Smoke without a cluster: a model server in the engine, as KServe would run it
   */
  @func({ cache: 'never' })
  async all(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    version: string = '',
    models: string[] = [],
    only: string[] = [],
    tag: string[] = [],
    local: boolean = false,
  ): Promise<string> {
    const selection = { source, models, only, version };
    // Each throws when a model fails: nothing is pushed then.
    const verified = await verifyBuilt(this, selection);
    const smoked = await smokeBuilt(this, selection, local);
    const pushed = await this.push(source, version, models, only, tag);
    return [verified, smoked, pushed].join('\n');
  }

  /** What the registry holds can change between two calls, so nothing here comes from the cache. */
  private async run(source: Directory, words: string[]): Promise<string> {
    return await stdoutOf(uncached(this.pushing.withDirectory(work, source)).withExec(modelcars(...words)));
  }
}

/** The registry with the given settings; throws when only one of user name and password is given. */
export function registryOf(object: Settings, access: RegistryAccess): Registry {
  const settings = settingsOf(object);
  return Object.assign(new Registry(), {
    ...settings,
    pushing: withRegistry(settings.connected, access),
    registryFlags: [...registryFlags(access), ...settings.connection],
  });
}

/** With the registry's own credentials and, when it is a service, a way to it under its name. */
function withRegistry(container: Container, access: RegistryAccess): Container {
  const { username, password, service, address } = access;
  if ((username === '') !== (password === undefined))
    throw new Error('--username and --password go together\nnext: give both, or --docker-config');
  let ready = container;
  if (username && password) {
    ready = ready
      .withEnvVariable('MODELCARS_REGISTRY_USERNAME', username)
      .withSecretVariable('MODELCARS_REGISTRY_PASSWORD', password);
  }
  return service ? ready.withServiceBinding(serviceName(address), service) : ready;
}

/** A service of Dagger speaks plain http by default. */
function registryFlags({ address, service, insecure }: RegistryAccess): string[] {
  const own = service && address ? [address.split('/')[0] ?? ''] : [];
  return flags({ registry: address, insecure: [...insecure, ...own] });
}

/** The host of the registry's address: the name of the service in the container. */
function serviceName(address: string): string {
  const host = address.split('/')[0]?.replace(/:\d+$/, '') ?? '';
  const isName = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host);
  if (isName && host !== 'localhost' && !/^[\d.]+$/.test(host)) return host;
  throw new Error(
    `--service needs a registry with a name, got ${JSON.stringify(host)}\n` +
      'next: pass --address registry:5000/me, with the port of the service: within the container it is called so',
  );
}
