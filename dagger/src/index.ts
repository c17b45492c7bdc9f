/**
 * Turns a models.yaml into OCI model images (modelcars) for KServe: build, verify, push.
 *
 * `dagger call build-all export --path out`, `dagger call push --registry quay.io/me --version v1.2.0`. The images have the digests that
 * `npm run modelcars` gives. Another repository's catalog: `--source .`.
 */
import {
  argument,
  type Container,
  check,
  type Directory,
  dag,
  type File,
  func,
  object,
  type Secret,
  type Service,
} from '@dagger.io/dagger';
import { archiveOf, layoutOf, tableOf } from './catalog.ts';
import { type ClusterParts, developerCluster, developerKubeconfig } from './cluster.ts';
import { allOrErrors, stdoutOf, withProgramError } from './errors.ts';
import {
  dockerImage as pinnedDocker,
  goImage as pinnedGo,
  nodeImage as pinnedNode,
  pythonImage as pinnedPython,
} from './images.ts';
import { loaderImage } from './loader.ts';
import { catalogOf, joinLayouts, type ModelSlice, slicesOf } from './model-slices.ts';
import {
  flags,
  home,
  modelcars,
  uncached,
  withProgram,
  withProgramOn,
  withRepository,
  work,
} from './program.ts';
import { type Access, accessFlags, registryFlags, withAccess, withRegistry } from './registry.ts';
import { smokedInKind, smokedLocally } from './smoke.ts';

@object()
export class Modelcars {
  private code: Directory;
  private nodeImage: string;
  private hfToken?: Secret;
  private awsAccessKeyId?: Secret;
  private awsSecretAccessKey?: Secret;
  private awsSessionToken?: Secret;
  private awsRegion?: string;
  private s3Endpoint?: string;
  private dockerConfig?: Secret;
  private caFile?: File;
  private plainHttp: string[];
  private dockerImage: string;
  private goImage: string;
  private kindProgram?: File;
  private kindNodeImage: string;
  private kindConfig?: File;
  private kserveVersion: string;
  private kserveManifest: File[];

  /**
   * @param code The repository of modelcars itself, whose scripts run: that of this module
   * @param nodeImage The image that everything runs in: Linux with glibc, Node and npm
   * @param hfToken Token for private and gated models of Hugging Face: env:HF_TOKEN
   * @param awsAccessKeyId For s3:// sources and the cache: env:AWS_ACCESS_KEY_ID
   * @param awsSecretAccessKey For s3:// sources and the cache: env:AWS_SECRET_ACCESS_KEY
   * @param awsSessionToken For temporary credentials: env:AWS_SESSION_TOKEN
   * @param awsRegion Region of the buckets
   * @param s3Endpoint An S3 server that is not Amazon: https://objectstore.example.com
   * @param dockerConfig Docker's config.json or Podman's auth.json, for base images and pushes: file:$HOME/.docker/config.json
   * @param caFile PEM file of certificate authorities that registries and hubs are trusted by, besides the system's
   * @param plainHttp Hosts of registries and mirrors to reach over http, for base images too
   * @param dockerImage For kind clusters: the image with Docker in Docker, as docker:dind
   * @param goImage For kind clusters: the image with Go that kind is built in
   * @param kindProgram For kind clusters: the kind program for Linux, instead of building it
   * @param kindNodeImage For kind clusters: the node's image; kind's own when not given
   * @param kindConfig For kind clusters: kind's configuration file, with a registry mirror for instance
   * @param kserveVersion For kind clusters: KServe's version, v0.20.0
   * @param kserveManifest For kind clusters: files of KServe's manifests, instead of the release on GitHub
   */
  constructor(
    @argument({
      defaultPath: '/',
      ignore: ['.git', '**/node_modules', 'out', 'out.tar', 'coverage', 'dagger/sdk', '**/__pycache__'],
    })
    code: Directory,
    nodeImage: string = pinnedNode,
    hfToken?: Secret,
    awsAccessKeyId?: Secret,
    awsSecretAccessKey?: Secret,
    awsSessionToken?: Secret,
    awsRegion?: string,
    s3Endpoint?: string,
    dockerConfig?: Secret,
    caFile?: File,
    plainHttp: string[] = [],
    dockerImage: string = pinnedDocker,
    goImage: string = pinnedGo,
    kindProgram?: File,
    kindNodeImage: string = '',
    kindConfig?: File,
    kserveVersion: string = '',
    kserveManifest: File[] = [],
  ) {
    this.code = code;
    this.nodeImage = nodeImage;
    this.hfToken = hfToken;
    this.awsAccessKeyId = awsAccessKeyId;
    this.awsSecretAccessKey = awsSecretAccessKey;
    this.awsSessionToken = awsSessionToken;
    this.awsRegion = awsRegion;
    this.s3Endpoint = s3Endpoint;
    this.dockerConfig = dockerConfig;
    this.caFile = caFile;
    this.plainHttp = plainHttp;
    this.dockerImage = dockerImage;
    this.goImage = goImage;
    this.kindProgram = kindProgram;
    this.kindNodeImage = kindNodeImage;
    this.kindConfig = kindConfig;
    this.kserveVersion = kserveVersion;
    this.kserveManifest = kserveManifest;
  }

  /**
   * Show the models and whether the lock has them
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param matrix A CI job a model, as JSON, for: github, gitlab or plain
   */
  @func()
  async list(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    matrix: string = '',
  ): Promise<string> {
    const words = ['list', ...models, ...flags({ only, matrix })];
    return await stdoutOf(this.at(source).withExec(modelcars(...words)));
  }

  /**
   * Pin sources and bases to what they are now: the new models.lock.yaml
   *
   * `dagger call lock export --path models.lock.yaml`
   *
   * @param source The folder of models.yaml
   * @param models The models to move on; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param mirrors Pull bases under FROM=TO instead
   */
  @func({ cache: 'never' })
  async lock(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    mirrors: string[] = [],
  ): Promise<File> {
    const words = ['lock', ...models, ...flags({ only, mirror: mirrors }), ...accessFlags(this.access())];
    const locked = uncached(this.at(source)).withExec(modelcars(...words));
    return (await withProgramError(() => locked.sync())).file(`${work}/models.lock.yaml`);
  }

  /**
   * Build one model: a container to look into, export or hand to another module
   *
   * Its digest is not that of the pushed image, since the engine writes config and manifest anew; `build-all` keeps it.
   *
   * @param model Name from the catalog
   * @param source The folder of models.yaml
   * @param platform Of the container; the engine's own when not given
   * @param version Version of the image: v1.2.3
   * @param base `embedded` or an image reference
   */
  @func()
  async build(
    model: string,
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    platform: string = '',
    version: string = '',
    base: string = '',
  ): Promise<Container> {
    const own = platform || String(await dag.defaultPlatform());
    const overrides = { version, base, platform: own };
    const [slice] = await this.slices(source, [model], [], { base, platform: own });
    if (slice === undefined) throw new Error(`no model ${model}\nnext: see dagger call list`);
    const layout = await withProgramError(() => this.layout(slice, source, overrides, []).sync());
    return dag.container({ platform: own as never }).import_(archiveOf(layout, this.nodeImage));
  }

  /**
   * Build all models: one OCI image layout, with a summary in summary.txt
   *
   * `dagger call build-all export --path out`. Models are built at the same time, and only those that changed.
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   * @param base `embedded` or an image reference
   * @param platforms linux/amd64, linux/arm64 …
   * @param compression Of model layers: none, gzip or zstd
   * @param mirrors Pull bases under FROM=TO instead
   */
  @func()
  async buildAll(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    version: string = '',
    base: string = '',
    platforms: string[] = [],
    compression: string = '',
    mirrors: string[] = [],
  ): Promise<Directory> {
    const overrides = { version, base, platform: platforms, compression };
    const slices = await this.slices(source, models, only, { base, platform: platforms, mirror: mirrors });
    const layouts = await allOrErrors(
      slices.map((slice) => () => this.layout(slice, source, overrides, mirrors).sync()),
    );
    const all = await joinLayouts(layouts);
    const summaries = await Promise.all(layouts.map((layout) => layout.file('summary.txt').contents()));
    return all.withNewFile('summary.txt', tableOf(summaries));
  }

  /**
   * Verify that images are what KServe can serve: those just built, or with --remote those of a registry
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param remote Look at the registry instead of building
   * @param registry Registry and path of the images: quay.io/me
   * @param version Version of the images: v1.2.3
   * @param username For the registry
   * @param password For the registry: env:QUAY_TOKEN
   * @param registryService A registry that is a service of Dagger or on this machine: tcp://localhost:5000
   * @param insecure Registry hosts to reach over http
   */
  @func({ cache: 'never' })
  async verify(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    remote: boolean = false,
    registry: string = '',
    version: string = '',
    username: string = '',
    password?: Secret,
    registryService?: Service,
    insecure: string[] = [],
  ): Promise<string> {
    const words = ['verify', ...models, ...flags({ only, version })];
    if (!remote) {
      const layout = await this.buildAll(source, models, only, version);
      return await stdoutOf(
        this.at(source)
          .withMountedDirectory('/layout', layout)
          .withExec(modelcars(...words, '--output', '/layout')),
      );
    }
    const access = { registry, username, password, service: registryService, insecure };
    const ready = withRegistry(uncached(this.at(source)), access);
    const more = ['--remote', ...registryFlags(access), ...accessFlags(this.access())];
    return await stdoutOf(ready.withExec(modelcars(...words, ...more)));
  }

  /**
   * Push images and their tags to a registry, straight from the models' sources
   *
   * A version tag never moves, `latest` and the like only move forward; what the registry has is not sent again.
   *
   * @param source The folder of models.yaml
   * @param registry Registry and path to push to: quay.io/me
   * @param version Version of the images: v1.2.3
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param tag More tags
   * @param username For the registry
   * @param password For the registry: env:QUAY_TOKEN
   * @param registryService A registry that is a service of Dagger or on this machine: tcp://localhost:5000
   * @param insecure Registry hosts to reach over http
   * @param base `embedded` or an image reference
   * @param platforms linux/amd64, linux/arm64 …
   * @param compression Of model layers: none, gzip or zstd
   * @param mirrors Pull bases under FROM=TO instead
   * @param dryRun Say what would be sent and which tags would move
   */
  @func({ cache: 'never' })
  async push(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    registry: string = '',
    version: string = '',
    models: string[] = [],
    only: string[] = [],
    tag: string[] = [],
    username: string = '',
    password?: Secret,
    registryService?: Service,
    insecure: string[] = [],
    base: string = '',
    platforms: string[] = [],
    compression: string = '',
    mirrors: string[] = [],
    dryRun: boolean = false,
  ): Promise<string> {
    const access = { registry, username, password, service: registryService, insecure };
    const words = [
      'push',
      ...models,
      ...flags({ only, version, tag, base, platform: platforms, compression, mirror: mirrors }),
      ...registryFlags(access),
      ...accessFlags(this.access()),
      ...(dryRun ? ['--dry-run'] : []),
    ];
    return await stdoutOf(withRegistry(uncached(this.at(source)), access).withExec(modelcars(...words)));
  }

  /**
   * Serve each model as KServe would and compare a real prediction with the right answer
   *
   * In a kind cluster with KServe that is made in the engine and deleted (its parts: `dagger call --help`); what passed is remembered.
   * With --local a model server in the engine, MLServer from PyPI, in seconds. With --kubeconfig KServe of that cluster serves what the
   * registry holds: push first.
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   * @param local No cluster: a model server in the engine, as KServe would run it
   * @param kubeconfig A cluster with KServe: file:$HOME/.kube/config
   * @param context A context of the kubeconfig
   * @param namespace A namespace that is there; else one is made and deleted
   * @param registry With a kubeconfig: registry and path that the cluster pulls from
   * @param pythonImage With --local: the image that the model server runs in, Linux with glibc and Python 3.11
   */
  @func({ cache: 'never' })
  async smoke(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    version: string = '',
    local: boolean = false,
    kubeconfig?: Secret,
    context: string = '',
    namespace: string = '',
    registry: string = '',
    pythonImage: string = pinnedPython,
  ): Promise<string> {
    const words = ['smoke', ...models, ...flags({ only, version })];
    if (kubeconfig) {
      const cluster = flags({ context, namespace, registry, kubeconfig: '/run/secrets/kubeconfig' });
      const ready = uncached(this.at(source)).withMountedSecret('/run/secrets/kubeconfig', kubeconfig);
      return await stdoutOf(ready.withExec(modelcars(...words, '--remote', ...cluster)));
    }
    const layout = await this.buildAll(source, models, only, version);
    const program = local ? withProgramOn(pythonImage, this.program()) : this.program();
    const catalog = catalogOf(await this.slices(source, models, only, {}), source);
    const ready = program.withDirectory(work, catalog).withMountedDirectory('/layout', layout);
    words.push('--output', '/layout');
    return await stdoutOf(local ? smokedLocally(ready, words) : smokedInKind(ready, words, this.cluster()));
  }

  /**
   * A kind cluster with KServe for a developer: `dagger call kind up`
   *
   * Its API is at localhost:6443 as long as that runs; `dagger call kubeconfig` tells kubectl the way.
   */
  @func({ cache: 'never' })
  async kind(): Promise<Service> {
    return await developerCluster(this.program(), this.cluster());
  }

  /**
   * The kubeconfig of the cluster that `kind up` brought up: `dagger call kubeconfig export --path kubeconfig`
   *
   * @param port The port that `kind up` has on this machine
   */
  @func({ cache: 'never' })
  async kubeconfig(port: number = 6443): Promise<File> {
    return await developerKubeconfig(this.program(), port);
  }

  /**
   * Build, verify, smoke, and push models that pass the smoke test
   *
   * @param source The folder of models.yaml
   * @param registry Registry and path to push to: quay.io/me
   * @param version Version of the images: v1.2.3
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param tag More tags
   * @param username For the registry
   * @param password For the registry: env:QUAY_TOKEN
   * @param registryService A registry that is a service of Dagger or on this machine: tcp://localhost:5000
   * @param insecure Registry hosts to reach over http
   * @param local Smoke without a cluster: a model server in the engine, as KServe would run it
   * @param pythonImage With --local: the image that the model server runs in, Linux with glibc and Python 3.11
   */
  @func({ cache: 'never' })
  async all(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    registry: string = '',
    version: string = '',
    models: string[] = [],
    only: string[] = [],
    tag: string[] = [],
    username: string = '',
    password?: Secret,
    registryService?: Service,
    insecure: string[] = [],
    local: boolean = false,
    pythonImage: string = pinnedPython,
  ): Promise<string> {
    // Each throws when a model fails: nothing is pushed then.
    const verified = await this.verify(source, models, only, false, '', version);
    const how = [local, undefined, '', '', '', pythonImage] as const;
    const smoked = await this.smoke(source, models, only, version, ...how);
    const access = [username, password, registryService, insecure] as const;
    const pushed = await this.push(source, registry, version, models, only, tag, ...access);
    return [verified, smoked, pushed].join('\n');
  }

  /**
   * Bring the catalog's hub models into an S3 bucket, for builds and servers to read from there
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all of the hub when none is given
   * @param modelName A model on the hub, instead of the catalog's: org/name[:revision]
   * @param bucket The bucket; the catalog's `cache:` when not given
   * @param prefix Where models lie in it
   */
  @func({ cache: 'never' })
  async cache(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    modelName: string = '',
    bucket: string = '',
    prefix: string = '',
  ): Promise<string> {
    const words = ['cache', ...models, ...flags({ 'model-name': modelName, bucket, prefix })];
    return await stdoutOf(uncached(this.at(source)).withExec(modelcars(...words)));
  }

  /**
   * The image of modelcars itself that runs `modelcars cache`, for an init container
   *
   * @param base An image with Node 24
   */
  @func()
  async loader(base: string = ''): Promise<Container> {
    const access = accessFlags(this.access());
    return await loaderImage(base || this.nodeImage, access, (folder) => this.at(folder));
  }

  /** The base image that modelcars brings along (`base: embedded`) */
  @func()
  async base(): Promise<Container> {
    return dag.container().import_(archiveOf(this.code.directory('base/layout'), this.nodeImage));
  }

  /** Lint and format of this repository */
  @func()
  @check()
  async lint(): Promise<void> {
    await this.checked('npx', 'biome', 'check', '--vcs-enabled=false', '.');
  }

  /** Types of this repository */
  @func()
  @check()
  async types(): Promise<void> {
    await this.checked('npx', 'tsc');
  }

  /** Unit tests of this repository */
  @func()
  @check()
  async tests(): Promise<void> {
    await this.checked('npx', 'vitest', 'run', '--project', 'unit');
  }

  /**
   * The image contract of every model: built and verified
   *
   * @param source The folder of models.yaml
   */
  @func()
  @check()
  async images(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
  ): Promise<void> {
    await this.verify(source);
  }

  private access(): Access {
    const { hfToken, awsAccessKeyId, awsSecretAccessKey, awsSessionToken, awsRegion } = this;
    const { s3Endpoint, dockerConfig, caFile, plainHttp } = this;
    const keys = { hfToken, awsAccessKeyId, awsSecretAccessKey, awsSessionToken };
    return { ...keys, awsRegion, s3Endpoint, dockerConfig, caFile, plainHttp };
  }

  private cluster(): ClusterParts {
    const { dockerImage, goImage, kindProgram, kindNodeImage, kindConfig, dockerConfig } = this;
    const kind = { dockerImage, goImage, kindProgram, kindNodeImage, kindConfig, dockerConfig };
    return { ...kind, kserveVersion: this.kserveVersion, kserveManifest: this.kserveManifest };
  }

  private program(): Container {
    return withProgram(this.nodeImage, this.code);
  }

  /** The program in a catalog's folder, with what it may need to reach sources and registries. */
  private at(source: Directory): Container {
    return withAccess(this.program(), this.access()).withDirectory(work, source);
  }

  private async slices(
    source: Directory,
    models: string[],
    only: string[],
    overrides: Record<string, string | string[]>,
  ): Promise<ModelSlice[]> {
    return await slicesOf(this.program(), source, [...models, ...flags({ only, ...overrides })]);
  }

  private layout(
    slice: ModelSlice,
    source: Directory,
    overrides: Record<string, string | string[]>,
    mirrors: string[],
  ): Directory {
    const access = accessFlags(this.access());
    return layoutOf(slice, source, { at: (folder) => this.at(folder), overrides, mirrors, access });
  }

  private async checked(...command: string[]): Promise<void> {
    await stdoutOf(withRepository(this.nodeImage, this.code).withWorkdir(home).withExec(command));
  }
}
