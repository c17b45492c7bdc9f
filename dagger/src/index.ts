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
import { archiveOf, buildContainer, buildLayout, buildLoader, verifyBuilt } from './catalog.ts';
import {
  type Cluster,
  clusterOf,
  developerCluster,
  developerKubeconfig,
  kindFlags,
  smokeBuilt,
  withKindFiles,
} from './cluster.ts';
import { stdoutOf, withProgramError } from './errors.ts';
import { dockerImage, goImage, nodeImage as pinnedNode, pythonImage } from './images.ts';
import {
  accessFlags,
  flags,
  home,
  type ImageRefs,
  modelcars,
  type Overrides,
  overrideFlags,
  type Settings,
  uncached,
  withAccess,
  withLogin,
  withProgram,
  withRepository,
  withS3Access,
  work,
} from './program.ts';
import { type Registry, registryOf } from './registry.ts';

@object()
export class Modelcars implements Settings {
  code: Directory;
  program: Container;
  connected: Container;
  connection: string[];
  imageRefs: ImageRefs;
  overrides: Overrides;
  kindFiles: Container;
  kindFlags: string[];
  kindProgram?: File;

  /**
   * @param code The repository of modelcars itself, whose scripts run: that of this module
   * @param nodeImage The image that everything runs in: Linux with glibc, Node and npm
   * @param hfToken Token for private and gated models of Hugging Face: env:HF_TOKEN
   * @param dockerConfig Docker's config.json or Podman's auth.json, for base images and pushes: file:$HOME/.docker/config.json
   * @param caFile PEM file of certificate authorities that registries and hubs are trusted by, besides the system's
   * @param plainHttp Hosts of registries and mirrors to reach over http, for base images too
   */
  constructor(
    @argument({
      defaultPath: '/',
      ignore: ['.git', '**/node_modules', 'out', 'out.tar', 'coverage', 'dagger/sdk', '**/__pycache__'],
    })
    code: Directory,
    nodeImage: string = pinnedNode,
    hfToken?: Secret,
    dockerConfig?: Secret,
    caFile?: File,
    plainHttp: string[] = [],
  ) {
    this.code = code;
    this.program = withProgram(nodeImage, code);
    const access = { hfToken, dockerConfig, caFile, plainHttp };
    this.connected = withAccess(this.program, access);
    this.connection = accessFlags(access);
    this.imageRefs = { node: nodeImage, python: pythonImage, docker: dockerImage, go: goImage };
    this.overrides = { base: '', platforms: [], compression: '', mirrors: [] };
    this.kindFiles = withLogin(this.program, dockerConfig);
    this.kindFlags = [];
  }

  /**
   * Credentials and place of S3 buckets, for s3:// sources and the cache: `dagger call with-buckets --region eu-central-1 build-all`
   *
   * @param accessKeyId env:AWS_ACCESS_KEY_ID
   * @param secretAccessKey env:AWS_SECRET_ACCESS_KEY
   * @param sessionToken For temporary credentials: env:AWS_SESSION_TOKEN
   * @param region Region of the buckets
   * @param endpoint An S3 server that is not Amazon: https://objectstore.example.com
   */
  @func({ cache: 'session' })
  withBuckets(
    accessKeyId?: Secret,
    secretAccessKey?: Secret,
    sessionToken?: Secret,
    region: string = '',
    endpoint: string = '',
  ): Modelcars {
    const access = { accessKeyId, secretAccessKey, sessionToken, region, endpoint };
    this.connected = withS3Access(this.connected, access);
    return this;
  }

  /**
   * Other images for what is not the program: `dagger call with-images --python mirror/python:3.11 smoke --local`
   *
   * @param python For a local smoke test: the image that the model server runs in, Linux with glibc and Python 3.11
   * @param docker For kind clusters: the image with Docker in Docker, as docker:dind
   * @param go For kind clusters: the image with Go that kind is built in
   */
  @func({ cache: 'session' })
  withImages(python: string = pythonImage, docker: string = dockerImage, go: string = goImage): Modelcars {
    this.imageRefs = { node: this.imageRefs.node, python, docker, go };
    return this;
  }

  /**
   * What kind clusters are made of: `dagger call with-kind --kserve-version v0.20.0 smoke`
   *
   * @param program The kind program for Linux, instead of building it
   * @param nodeImage The node's image; kind's own when not given
   * @param config kind's configuration file, with a registry mirror for instance
   * @param kserveVersion KServe's version, v0.20.0
   * @param kserveManifest Files of KServe's manifests, instead of the release on GitHub
   */
  @func({ cache: 'session' })
  withKind(
    program?: File,
    nodeImage: string = '',
    config?: File,
    kserveVersion: string = '',
    kserveManifest: File[] = [],
  ): Modelcars {
    const parts = { nodeImage, config, kserveVersion, kserveManifests: kserveManifest };
    this.kindProgram = program;
    this.kindFiles = withKindFiles(this.kindFiles, parts);
    this.kindFlags = kindFlags(parts);
    return this;
  }

  /**
   * Build and push something other than models.yaml says: `dagger call with-overrides --platforms linux/arm64 build-all`
   *
   * @param base `embedded` or an image reference
   * @param platforms linux/amd64, linux/arm64 …
   * @param compression Of model layers: none, gzip or zstd
   * @param mirrors Pull bases under FROM=TO instead
   */
  @func({ cache: 'session' })
  withOverrides(
    base: string = '',
    platforms: string[] = [],
    compression: string = '',
    mirrors: string[] = [],
  ): Modelcars {
    this.overrides = { base, platforms, compression, mirrors };
    return this;
  }

  /**
   * A registry with all of its options: `dagger call registry --address quay.io/me verify`
   *
   * @param address Registry and path of the images: quay.io/me
   * @param username For the registry
   * @param password For the registry: env:QUAY_TOKEN
   * @param service A registry that is a service of Dagger or on this machine: tcp://localhost:5000
   * @param insecure Registry hosts to reach over http
   */
  @func({ cache: 'session' })
  registry(
    address: string = '',
    username: string = '',
    password?: Secret,
    service?: Service,
    insecure: string[] = [],
  ): Registry {
    return registryOf(this, { address, username, password, service, insecure });
  }

  /**
   * An existing cluster with KServe: `dagger call cluster --kubeconfig file:$HOME/.kube/config smoke --registry quay.io/me`
   *
   * @param kubeconfig file:$HOME/.kube/config
   * @param context A context of the kubeconfig
   * @param namespace An existing namespace; by default one is made and deleted
   */
  @func({ cache: 'session' })
  cluster(kubeconfig: Secret, context: string = '', namespace: string = ''): Cluster {
    return clusterOf(this, kubeconfig, context, namespace);
  }

  /**
   * Show the models and whether the lock has them
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param matrix One CI job per model, as JSON, for: github, gitlab or plain
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
   * The new models.lock.yaml, with what it lacked or models.yaml changed: `dagger call lock export --path models.lock.yaml`
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param upgrade Move these models and their bases to the newest revision
   */
  @func({ cache: 'never' })
  async lock(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    upgrade: boolean = false,
  ): Promise<File> {
    const words = [...models, ...flags({ upgrade, only }), ...overrideFlags(this.overrides)];
    const locked = uncached(this.at(source)).withExec(modelcars('lock', ...words, ...this.connection));
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
   */
  @func()
  async build(
    model: string,
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    platform: string = '',
    version: string = '',
  ): Promise<Container> {
    const own = platform || String(await dag.defaultPlatform());
    return await buildContainer(this, { source, models: [model], only: [], version }, own);
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
   */
  @func()
  async buildAll(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    version: string = '',
  ): Promise<Directory> {
    return await buildLayout(this, { source, models, only, version });
  }

  /**
   * Build models and verify that the images are what KServe can serve; pushed ones: `dagger call registry … verify`
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
    return await verifyBuilt(this, { source, models, only, version });
  }

  /**
   * Push images and their tags to a registry, straight from the models' sources; with more options: `dagger call registry … push`
   *
   * A version tag never moves, `latest` and the like only move forward; what the registry has is not sent again.
   *
   * @param source The folder of models.yaml
   * @param registry Registry and path to push to: quay.io/me
   * @param version Version of the images: v1.2.3
   * @param models Names from the catalog; all when none is given
   * @param username For the registry
   * @param password For the registry: env:QUAY_TOKEN
   */
  @func({ cache: 'never' })
  async push(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    registry: string = '',
    version: string = '',
    models: string[] = [],
    username: string = '',
    password?: Secret,
  ): Promise<string> {
    return await this.registry(registry, username, password).push(source, version, models);
  }

  /**
   * Serve each model as KServe would and compare a real prediction with the right answer
   *
   * In a kind cluster with KServe that is made in the engine and deleted; what passed is remembered. With --local a model server in the
   * engine, MLServer from PyPI, in seconds. In an existing cluster: `dagger call cluster … smoke`.
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   * @param local No cluster: a model server in the engine, as KServe would run it
   */
  @func({ cache: 'never' })
  async smoke(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    version: string = '',
    local: boolean = false,
  ): Promise<string> {
    return await smokeBuilt(this, { source, models, only, version }, local);
  }

  /**
   * A kind cluster with KServe for a developer: `dagger call kind up`
   *
   * Its API is at localhost:6443 as long as that runs; `dagger call kubeconfig` gives kubectl access to it.
   */
  @func({ cache: 'never' })
  async kind(): Promise<Service> {
    return await developerCluster(this);
  }

  /**
   * The kubeconfig of the cluster that `kind up` brought up: `dagger call kubeconfig export --path kubeconfig`
   *
   * @param port The port that `kind up` has on this machine
   */
  @func({ cache: 'never' })
  async kubeconfig(port: number = 6443): Promise<File> {
    return await developerKubeconfig(this, port);
  }

  /**
   * Build, verify, smoke, and push models that pass the smoke test; with more options: `dagger call registry … all`
   *
   * @param source The folder of models.yaml
   * @param registry Registry and path to push to: quay.io/me
   * @param version Version of the images: v1.2.3
   * @param models Names from the catalog; all when none is given
   * @param username For the registry
   * @param password For the registry: env:QUAY_TOKEN
   */
  @func({ cache: 'never' })
  async all(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    registry: string = '',
    version: string = '',
    models: string[] = [],
    username: string = '',
    password?: Secret,
  ): Promise<string> {
    return await this.registry(registry, username, password).all(source, version, models);
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
   * The image of modelcars itself, for CI jobs, Kubernetes jobs and init containers
   *
   * @param base An image with Node 24
   */
  @func()
  async loader(base: string = ''): Promise<Container> {
    return await buildLoader(this, base || this.imageRefs.node);
  }

  /** The base image that modelcars brings along (`base: embedded`) */
  @func()
  async base(): Promise<Container> {
    return dag.container().import_(archiveOf(this.code.directory('base/layout'), this.imageRefs.node));
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

  /** The program in a catalog's folder, with what it may need to reach sources and registries. */
  private at(source: Directory): Container {
    return this.connected.withDirectory(work, source);
  }

  private async checked(...command: string[]): Promise<void> {
    const repository = withRepository(this.imageRefs.node, this.code).withWorkdir(home);
    await stdoutOf(repository.withExec(command));
  }
}
