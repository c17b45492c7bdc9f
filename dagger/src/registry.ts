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
import { refuseExamples } from './checks.ts';
import { smokeBuilt } from './cluster.ts';
import { stdoutOf, withProgramError } from './errors.ts';
import { type Image, imagesOf } from './image.ts';
import { type Place, placeOf } from './place.ts';
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
  /** Whether to create repositories that Amazon ECR lacks. */
  createRepository: boolean;
}

/** A registry, to push a catalog's models to and to verify what it holds */
@object()
export class Registry implements Settings {
  // Without a constructor: Dagger takes a constructor's parameters for arguments of the API. `registryOf` sets the fields.
  declare program: Container;
  declare connected: Container;
  declare connection: string[];
  declare signing: Container;
  declare signingFlags: string[];
  declare sigstoreFlags: string[];
  declare trustFlags: string[];
  declare variables: string[];
  declare imageRefs: ImageRefs;
  declare overrides: Overrides;
  declare kindFiles: Container;
  declare kindFlags: string[];
  declare kindProgram?: File;
  /** `signing` with the registry's own credentials and, when it is a service, a way to it. */
  declare pushing: Container;
  /** The flags that `pushing` needs. */
  declare registryFlags: string[];
  /** The flags of `push` alone. */
  declare pushFlags: string[];
  /** The registry's address within and without, for what is printed. */
  declare place: Place;

  /**
   * Push images and their tags, straight from the models' sources
   *
   * A version tag never moves, `latest` and the like only move forward; what the registry has is not sent again.
   *
   * @param source The folder of models.yaml
   * @param version Version of the images: v1.2.3
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param tags More tags
   * @param dryRun Show what would be sent and which tags would move
   */
  @func({ cache: 'never' })
  async push(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    version: string = '',
    models: string[] = [],
    only: string[] = [],
    tags: string[] = [],
    dryRun: boolean = false,
  ): Promise<string> {
    await refuseExamples('push', source, models);
    const words = [...selectionWords({ source, models, only, version }), ...flags({ tag: tags })];
    return await this.run(source, [...this.pushWords(words), ...flags({ 'dry-run': dryRun })]);
  }

  /**
   * Push one model, and give its image: `… image --model iris ref`
   *
   * @param model Name from the catalog
   * @param source The folder of models.yaml
   * @param version Version of the image: v1.2.3
   * @param tags More tags
   */
  @func({ cache: 'never' })
  async image(
    model: string,
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    version: string = '',
    tags: string[] = [],
  ): Promise<Image> {
    const words = this.pushWords([model, ...flags({ version, tag: tags })]);
    const [image] = imagesOf(await this.run(source, [...words, '--json']));
    if (!image) throw new Error(`push ${model}: the program named no image`);
    return image;
  }

  /**
   * Verify that the images in the registry are what KServe can serve and, with `trust:` in the catalog, that they are signed
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
    const words = [
      ...selectionWords({ source, models, only, version }),
      ...baseFlags(this.overrides),
      ...this.trustFlags,
    ];
    return await this.run(source, ['verify', ...words, '--remote', ...this.registryFlags]);
  }

  /**
   * Build, verify, smoke, and push models that pass the smoke test
   *
   * @param source The folder of models.yaml
   * @param version Version of the images: v1.2.3
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param tags More tags
   * @param local Smoke without a cluster: a model server in the engine, as KServe would run it
   */
  @func({ cache: 'never' })
  async all(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    version: string = '',
    models: string[] = [],
    only: string[] = [],
    tags: string[] = [],
    local: boolean = false,
  ): Promise<string> {
    await refuseExamples('all', source, models);
    const selection = { source, models, only, version };
    // Each throws when a model fails: nothing is pushed then.
    const verified = await verifyBuilt(this, selection);
    const smoked = await smokeBuilt(this, selection, local);
    const pushed = await this.push(source, version, models, only, tags);
    return [verified, smoked, pushed].join('\n');
  }

  /**
   * Verify pushed images and sign them: `dagger call with-signing --key env:KEY registry --address quay.io/me sign`
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   * @param dryRun Show what would be signed
   */
  @func({ cache: 'never' })
  async sign(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    version: string = '',
    dryRun: boolean = false,
  ): Promise<string> {
    if (this.signingFlags.length === 0)
      throw new Error(
        'sign: no signer\nnext: call with-signing before registry, with a key or an identity token',
      );
    const words = [...selectionWords({ source, models, only, version }), ...baseFlags(this.overrides)];
    const signer = [...this.signingFlags, ...this.sigstoreFlags, ...flags({ 'dry-run': dryRun })];
    return await this.run(source, ['sign', ...words, ...signer, ...this.registryFlags]);
  }

  /**
   * Copy images with their signatures from another registry to this one, by digest
   *
   * @param source The folder of models.yaml
   * @param from Registry and path to copy from; the catalog's own when not given
   * @param images MODEL, MODEL@v1.2.3, MODEL@sha256:… or registry/repository:tag; all models when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   * @param dryRun Show what would be copied
   */
  @func({ cache: 'never' })
  async promote(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    from: string = '',
    images: string[] = [],
    only: string[] = [],
    version: string = '',
    dryRun: boolean = false,
  ): Promise<string> {
    if (this.place.within === '')
      throw new Error('promote: no registry to copy to\nnext: pass --address of registry: quay.io/prod');
    const words = [...images, ...flags({ from, to: this.place.within, only, version, 'dry-run': dryRun })];
    const more = [...this.pushFlags, ...this.trustFlags, ...this.accessFlags()];
    return await this.run(source, ['promote', ...words, ...more]);
  }

  /**
   * The InferenceServices of pushed models, pinned by digest: `… manifest > models.k8s.yaml`
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   * @param namespace Namespace to serve in
   * @param pullSecrets imagePullSecrets for a private registry
   */
  @func({ cache: 'never' })
  async manifest(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    version: string = '',
    namespace: string = '',
    pullSecrets: string[] = [],
  ): Promise<string> {
    const words = selectionWords({ source, models, only, version });
    const more = flags({ remote: true, namespace, 'pull-secret': pullSecrets });
    return await this.run(source, ['manifest', ...words, ...more, ...this.registryFlags]);
  }

  /**
   * The bill of materials (CycloneDX) of a pushed image: `… bom --model iris > iris.cdx.json`
   *
   * @param model Name from the catalog
   * @param source The folder of models.yaml
   * @param version Version of the image: v1.2.3
   */
  @func({ cache: 'never' })
  async bom(
    model: string,
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    version: string = '',
  ): Promise<string> {
    const words = [model, ...flags({ version }), '--remote'];
    return await this.run(source, ['bom', ...words, ...this.registryFlags]);
  }

  /**
   * The model files of an image, verified: `… pull --image iris@v1.2.3 export --path iris`
   *
   * With `trust:` in the catalog, nothing is written that its signers did not sign.
   *
   * @param image MODEL or MODEL@v1.2.3 of models.yaml, or registry/repository:tag
   * @param source The folder of models.yaml; one without it is enough for registry/repository:tag
   * @param include Only files that match this glob: *.json
   * @param exclude No files that match this glob
   * @param platform linux/amd64, linux/arm64 …
   */
  @func({ cache: 'never' })
  async pull(
    image: string,
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    include: string[] = [],
    exclude: string[] = [],
    platform: string = '',
  ): Promise<Directory> {
    const { mirrors } = this.overrides;
    const words = [this.within(image), ...flags({ include, exclude, platform, mirror: mirrors })];
    const more = ['--output', '/model', ...this.trustFlags, ...this.registryFlags];
    const pulled = this.at(source).withExec(modelcars('pull', ...words, ...more));
    return (await this.naming(() => withProgramError(() => pulled.sync()))).directory('/model');
  }

  /**
   * What changed between two images: `… diff --from iris@v1.2.3 --to iris@v1.2.4`
   *
   * @param from MODEL@v1.2.3 of models.yaml, or registry/repository:tag
   * @param to The same, or another tag of the first: :v1.2.4
   * @param source The folder of models.yaml; one without it is enough for registry/repository:tag
   * @param readLayers Read layers that differ and do not list their files: all their bytes
   */
  @func({ cache: 'never' })
  async diff(
    from: string,
    to: string,
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    readLayers: boolean = false,
  ): Promise<string> {
    const { mirrors } = this.overrides;
    const words = [
      this.within(from),
      this.within(to),
      ...flags({ 'read-layers': readLayers, mirror: mirrors }),
    ];
    return await this.run(source, ['diff', ...words, ...this.registryFlags]);
  }

  /**
   * Make a new version of pushed images on another base, without reading a model: `… rebase --pull --version v1.2.4`
   *
   * The base is that of models.yaml, or of with-overrides.
   *
   * @param source The folder of models.yaml
   * @param images MODEL, MODEL@v1.2.3, MODEL@sha256:… or registry/repository:tag; all models when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the new images: v1.2.4
   * @param pull Take the newest image of the base
   * @param dryRun Show what would be made
   */
  @func({ cache: 'never' })
  async rebase(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    images: string[] = [],
    only: string[] = [],
    version: string = '',
    pull: boolean = false,
    dryRun: boolean = false,
  ): Promise<string> {
    await refuseExamples('rebase', source, images);
    const { base, mirrors } = this.overrides;
    const words = [...images, ...flags({ only, version, pull, base, mirror: mirrors, 'dry-run': dryRun })];
    const more = [...this.signer(), ...this.pushFlags, ...this.registryFlags];
    return await this.run(source, ['rebase', ...words, ...more]);
  }

  /**
   * Register pushed images as versions in a Kubeflow Model Registry
   *
   * Its token: with-secret --name MODELCARS_MODEL_REGISTRY_TOKEN.
   *
   * @param modelRegistry URL of the model registry: https://registry.example.com
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   * @param dryRun Show what would be registered
   */
  @func({ cache: 'never' })
  async register(
    modelRegistry: string,
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    version: string = '',
    dryRun: boolean = false,
  ): Promise<string> {
    await refuseExamples('register', source, models);
    const words = selectionWords({ source, models, only, version });
    const more = flags({ 'model-registry': modelRegistry, 'dry-run': dryRun });
    return await this.run(source, ['register', ...words, ...more, ...this.registryFlags]);
  }

  /**
   * Pages about the pushed models: `… catalog export --path site`
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param title Title of the site
   * @param format html, or odh for the model catalog of Open Data Hub
   */
  @func({ cache: 'never' })
  async catalog(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    title: string = '',
    format: string = '',
  ): Promise<Directory> {
    const words = [...models, ...flags({ only, title, format }), '--remote', '--output', '/site'];
    const written = this.at(source).withExec(modelcars('catalog', ...words, ...this.registryFlags));
    return (await withProgramError(() => written.sync())).directory('/site');
  }

  private pushWords(selected: string[]): string[] {
    return [
      ...['push', ...selected, ...overrideFlags(this.overrides)],
      ...[...this.signer(), ...this.pushFlags, ...this.registryFlags],
    ];
  }

  /** The flags that sign what is pushed; none without with-signing. */
  private signer(): string[] {
    return this.signingFlags.length > 0 ? ['--sign', ...this.signingFlags, ...this.sigstoreFlags] : [];
  }

  /** The flags of a registry without those that name it. */
  private accessFlags(): string[] {
    return this.registryFlags.slice(flags({ registry: this.place.within }).length);
  }

  /** The catalog's folder. What the registry holds can change between two calls, so nothing after it comes from the cache. */
  private at(source: Directory): Container {
    return uncached(this.pushing.withDirectory(work, source));
  }

  private async run(source: Directory, words: string[]): Promise<string> {
    const text = await this.naming(() => stdoutOf(this.at(source).withExec(modelcars(...words))));
    return this.shown(text);
  }

  /** A result of the program, whose errors name the registry as the caller does. */
  private async naming<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw new Error(this.shown((error as Error).message));
    }
  }

  private shown(text: string): string {
    const { within, without } = this.place;
    return within === without ? text : text.replaceAll(within, without);
  }

  /** An image that the caller names in this registry, as it is reached from a container. */
  private within(image: string): string {
    const { within, without } = this.place;
    return without && image.startsWith(`${without}/`) ? within + image.slice(without.length) : image;
  }
}

/**
 * The registry with the given settings. Throws when only one of user name and password is given, or when it is named by an address that
 * leads nowhere from a container.
 */
export function registryOf(object: Settings, access: RegistryAccess): Registry {
  const settings = settingsOf(object);
  const place = placeOf(access.address, access.service !== undefined);
  return Object.assign(new Registry(), {
    ...settings,
    place,
    pushing: withRegistry(settings.signing, access, place),
    registryFlags: [...registryFlags(access, place), ...settings.connection],
    pushFlags: flags({ 'create-repository': access.createRepository }),
  });
}

/** With the registry's own credentials and, when it is a service, a way to it under its name. */
function withRegistry(container: Container, access: RegistryAccess, { alias }: Place): Container {
  const { username, password, service } = access;
  if ((username === '') !== (password === undefined))
    throw new Error('--username and --password go together\nnext: give both, or --docker-config');
  let ready = container;
  if (username && password) {
    ready = ready
      .withEnvVariable('MODELCARS_REGISTRY_USERNAME', username)
      .withSecretVariable('MODELCARS_REGISTRY_PASSWORD', password);
  }
  return service ? ready.withServiceBinding(alias, service) : ready;
}

/** A service of Dagger speaks plain http by default. */
function registryFlags({ service, insecure }: RegistryAccess, { within }: Place): string[] {
  const own = service && within ? [within.split('/')[0] ?? ''] : [];
  return flags({ registry: within, insecure: [...insecure, ...own] });
}
