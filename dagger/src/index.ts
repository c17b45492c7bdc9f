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
import {
  accessFlags,
  signerFlags,
  sigstoreFlags,
  withAccess,
  withAzureAccess,
  withGoogleAccess,
  withLogin,
  withNamedSecret,
  withS3Access,
  withSigner,
  withSigstoreFiles,
} from './access.ts';
import {
  archiveOf,
  buildContainer,
  buildLayout,
  buildLoader,
  listCatalog,
  scanBases,
  verifyBuilt,
} from './catalog.ts';
import { checkLicences, checkLock, checkSignatures } from './checks.ts';
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
import { type LayoutSummary, summariesOf } from './layout-summary.ts';
import { type Model, modelOf } from './model.ts';
import {
  baseFlags,
  flags,
  home,
  type ImageRefs,
  modelcars,
  type Overrides,
  overrideFlags,
  type Settings,
  uncached,
  withNamed,
  withProgram,
  work,
} from './program.ts';
import { programFiles } from './program-files.ts';
import { type Registry, registryOf } from './registry.ts';

@object()
export class Modelcars implements Settings {
  program: Container;
  connected: Container;
  connection: string[];
  signing: Container;
  signingFlags: string[];
  sigstoreFlags: string[];
  trustFlags: string[];
  variables: string[];
  imageRefs: ImageRefs;
  overrides: Overrides;
  kindFiles: Container;
  kindFlags: string[];
  kindProgram?: File;

  /**
   * @param code The repository of modelcars, to run instead of the program that belongs to this module; for development
   * @param nodeImage The image that everything runs in: Linux with glibc, Node and npm
   * @param npmRegistry A mirror of the npm registry, for the packages that the program is built with: https://npm.example.com
   * @param hfToken Token for private and gated models of Hugging Face, or of its mirror: env:HF_TOKEN
   * @param hfEndpoint A mirror of Hugging Face: https://artifactory.example.com/artifactory/api/huggingfaceml/hf
   * @param dockerConfig Docker's config.json or Podman's auth.json, for base images and pushes: file:$HOME/.docker/config.json
   * @param caFile PEM file of certificate authorities that registries and hubs are trusted by, besides the system's
   */
  constructor(
    code?: Directory,
    nodeImage: string = pinnedNode,
    npmRegistry: string = '',
    hfToken?: Secret,
    hfEndpoint: string = '',
    dockerConfig?: Secret,
    caFile?: File,
  ) {
    const files = code?.filter(programFiles) ?? dag.modelcarsProgram().files();
    this.program = withProgram(nodeImage, files, npmRegistry);
    const access = { hfToken, hfEndpoint, dockerConfig, caFile };
    this.connected = withAccess(this.program, access);
    this.connection = accessFlags(access);
    this.signing = this.connected;
    this.signingFlags = [];
    this.sigstoreFlags = [];
    this.trustFlags = [];
    this.variables = [];
    this.imageRefs = { node: nodeImage, python: pythonImage, docker: dockerImage, golang: goImage };
    this.overrides = { base: '', platforms: [], compression: '', mirrors: [] };
    this.kindFiles = withLogin(this.program, dockerConfig);
    this.kindFlags = [];
  }

  /**
   * Proxies, and hosts that speak http: `dagger call with-network --insecure registry.local:5000 build-all`
   *
   * @param httpProxy Proxy for http: http://proxy.example.com:3128; with a password: with-secret --name HTTP_PROXY
   * @param httpsProxy Proxy for https
   * @param noProxy Hosts that are reached without a proxy: .example.com,10.0.0.0/8
   * @param insecure Hosts of registries and mirrors to reach over http, for base images too
   */
  @func()
  withNetwork(
    httpProxy: string = '',
    httpsProxy: string = '',
    noProxy: string = '',
    insecure: string[] = [],
  ): Modelcars {
    this.connection = [...this.connection, ...flags({ insecure })];
    return this.naming({ HTTP_PROXY: httpProxy, HTTPS_PROXY: httpsProxy, NO_PROXY: noProxy });
  }

  /**
   * Credentials and place of S3 buckets, for s3:// sources and the cache: `dagger call with-buckets --region eu-central-1 build-all`
   *
   * The credentials also log in to Amazon ECR.
   *
   * @param accessKeyId env:AWS_ACCESS_KEY_ID
   * @param secretAccessKey env:AWS_SECRET_ACCESS_KEY
   * @param sessionToken For temporary credentials: env:AWS_SESSION_TOKEN
   * @param region Region of the buckets
   * @param endpoint An S3 server that is not Amazon: https://objectstore.example.com
   */
  @func()
  withBuckets(
    accessKeyId?: Secret,
    secretAccessKey?: Secret,
    sessionToken?: Secret,
    region: string = '',
    endpoint: string = '',
  ): Modelcars {
    const access = { accessKeyId, secretAccessKey, sessionToken, region, endpoint };
    return this.reaching((container) => withS3Access(container, access));
  }

  /**
   * Credentials of Google, for gs:// sources: `dagger call with-google --credentials file:key.json build-all`
   *
   * @param credentials A credentials file: file:$HOME/.config/gcloud/application_default_credentials.json
   * @param endpoint A server that is not Google's: http://fake-gcs:4443
   */
  @func()
  withGoogle(credentials?: Secret, endpoint: string = ''): Modelcars {
    return this.reaching((container) => withGoogleAccess(container, { credentials, endpoint }));
  }

  /**
   * Credentials of Azure, for azure:// sources: `dagger call with-azure --account models --sas-token env:SAS build-all`
   *
   * @param account Storage account
   * @param key Its key: env:AZURE_STORAGE_KEY
   * @param sasToken A shared access signature instead of the key: env:AZURE_STORAGE_SAS_TOKEN
   * @param tenantId With an application instead of both: its tenant
   * @param clientId Its ID
   * @param clientSecret Its secret: env:AZURE_CLIENT_SECRET
   */
  @func()
  withAzure(
    account: string = '',
    key?: Secret,
    sasToken?: Secret,
    tenantId: string = '',
    clientId: string = '',
    clientSecret?: Secret,
  ): Modelcars {
    const access = { account, key, sasToken, tenantId, clientId, clientSecret };
    return this.reaching((container) => withAzureAccess(container, access));
  }

  /**
   * Any other variable that modelcars or a client in it reads: `dagger call with-variable --name AWS_S3_FORCE_PATH_STYLE --value false …`
   *
   * @param name Name of the variable
   * @param value Its value; no secret
   */
  @func()
  withVariable(name: string, value: string): Modelcars {
    return this.naming({ [name]: value });
  }

  /**
   * Any other secret that modelcars or a client in it reads: `dagger call with-secret --name MODELCARS_REGISTRY_TOKEN --secret env:TOKEN …`
   *
   * @param name Name of the variable
   * @param secret Its value: env:TOKEN
   */
  @func()
  withSecret(name: string, secret: Secret): Modelcars {
    return this.reaching((container) => withNamedSecret(container, name, secret));
  }

  /**
   * Sign what is pushed: `dagger call with-signing --identity-token env:ID_TOKEN push --registry quay.io/me`
   *
   * @param key Private key in PEM, as of `cosign generate-key-pair`: env:COSIGN_PRIVATE_KEY or file:cosign.key
   * @param keyPassword Its password: env:COSIGN_PASSWORD
   * @param identityToken OIDC token of the CI job, to sign without a key: env:ID_TOKEN
   * @param attest Attach signed provenance (SLSA) and bill of materials (CycloneDX), too
   */
  @func()
  withSigning(
    key?: Secret,
    keyPassword?: Secret,
    identityToken?: Secret,
    attest: boolean = false,
  ): Modelcars {
    const signing = { key, keyPassword, identityToken, attest };
    this.signingFlags = signerFlags(signing);
    this.signing = withSigner(this.signing, signing);
    return this;
  }

  /**
   * A private Sigstore, to sign by and to verify against: `dagger call with-sigstore --trusted-root root.json registry … verify`
   *
   * @param fulcioUrl Certificate authority
   * @param rekorUrl Transparency log
   * @param timestampUrl Timestamp authority (RFC 3161)
   * @param signingConfig File with these URLs, in the format of Sigstore
   * @param trustedRoot Trusted root (JSON), as of `cosign trusted-root create`
   */
  @func()
  withSigstore(
    fulcioUrl: string = '',
    rekorUrl: string = '',
    timestampUrl: string = '',
    signingConfig?: File,
    trustedRoot?: File,
  ): Modelcars {
    const sigstore = { fulcioUrl, rekorUrl, timestampUrl, signingConfig, trustedRoot };
    const { sign, verify } = sigstoreFlags(sigstore);
    this.sigstoreFlags = sign;
    this.trustFlags = verify;
    return this.reaching((container) => withSigstoreFiles(container, sigstore));
  }

  /**
   * Other images for what is not the program: `dagger call with-images --python mirror/python:3.11 smoke --local`
   *
   * @param python For a local smoke test: the image that the model server runs in, Linux with glibc and Python 3.11
   * @param docker For kind clusters: the image with Docker in Docker, as docker:dind
   * @param go For kind clusters: the image with Go that kind is built in
   */
  @func()
  withImages(python: string = pythonImage, docker: string = dockerImage, go: string = goImage): Modelcars {
    this.imageRefs = { node: this.imageRefs.node, python, docker, golang: go };
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
  @func()
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
  @func()
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
   * @param createRepository Create repositories that Amazon ECR lacks; most other registries do so on push
   */
  @func()
  registry(
    address: string = '',
    username: string = '',
    password?: Secret,
    service?: Service,
    insecure: string[] = [],
    createRepository: boolean = false,
  ): Registry {
    return registryOf(this, { address, username, password, service, insecure, createRepository });
  }

  /**
   * An existing cluster with KServe: `dagger call cluster --kubeconfig file:$HOME/.kube/config smoke --registry quay.io/me`
   *
   * @param kubeconfig file:$HOME/.kube/config
   * @param context A context of the kubeconfig
   * @param namespace An existing namespace; by default one is made and deleted
   */
  @func()
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
    return await listCatalog(this, { source, models, only, version: '' }, matrix);
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
   * Compare the lock with the newest revisions of sources and bases; writes nothing
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   */
  @func({ cache: 'never' })
  async outdated(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
  ): Promise<string> {
    const words = [...models, ...flags({ only }), ...baseFlags(this.overrides), ...this.connection];
    return await stdoutOf(uncached(this.at(source)).withExec(modelcars('outdated', ...words)));
  }

  /**
   * One model, with results that other modules go on with: `dagger call model --name iris push --registry quay.io/me ref`
   *
   * @param name Name from the catalog
   * @param source The folder of models.yaml
   */
  @func()
  model(
    name: string,
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
  ): Model {
    return modelOf(this, name, source);
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
   * Build models, and say what each image is, for other modules: `dagger call summaries digest`
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   */
  @func()
  async summaries(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    version: string = '',
  ): Promise<LayoutSummary[]> {
    return await summariesOf(await buildLayout(this, { source, models, only, version }));
  }

  /**
   * Build models and verify that the images are what KServe can serve; pushed ones: `dagger call registry … verify`
   *
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param version Version of the images: v1.2.3
   */
  @func()
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
   * Scan base images and loaders for vulnerabilities: `dagger call scan --scanner ./grype`
   *
   * @param scanner The program grype or trivy for Linux
   * @param source The folder of models.yaml
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param name The scanner's name: grype or trivy
   * @param failOn Severity from which a vulnerability fails: low, medium, high or critical
   */
  @func({ cache: 'never' })
  async scan(
    scanner: File,
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    models: string[] = [],
    only: string[] = [],
    name: string = 'grype',
    failOn: string = '',
  ): Promise<string> {
    return await scanBases(this, { source, models, only, version: '' }, { scanner, name, failOn });
  }

  /**
   * The policy with which a cluster admits only images that `trust:` trusts: `dagger call policy --kind kyverno > policy.yaml`
   *
   * @param source The folder of models.yaml
   * @param kind kyverno, kyverno=image-validating, openshift or sigstore
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   * @param registry Registry and path of the images; the catalog's own when not given
   */
  @func()
  async policy(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    kind: string = 'kyverno',
    models: string[] = [],
    only: string[] = [],
    registry: string = '',
  ): Promise<string> {
    const words = ['policy', ...models, `--${kind}`, ...flags({ only, registry })];
    return await stdoutOf(this.at(source).withExec(modelcars(...words)));
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
    return dag
      .container()
      .import_(archiveOf(this.program.directory(`${home}/base/layout`), this.imageRefs.node));
  }

  /**
   * models.lock.yaml is up to date with models.yaml and the local files
   *
   * @param source The folder of models.yaml
   */
  @func()
  @check()
  async lockIsCurrent(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
  ): Promise<void> {
    await checkLock(this, source);
  }

  /**
   * Every model, built, keeps the image contract
   *
   * @param source The folder of models.yaml
   */
  @func()
  @check()
  async imageContract(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
  ): Promise<void> {
    await verifyBuilt(this, { source, models: [], only: [], version: '' });
  }

  /**
   * Every model has a licence that `allowLicenses:` of the catalog allows
   *
   * @param source The folder of models.yaml
   */
  @func()
  @check()
  async licences(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
  ): Promise<void> {
    await checkLicences(this, source);
  }

  /**
   * Every image in the catalog's registry is signed as `trust:` of the catalog wants it
   *
   * @param source The folder of models.yaml
   */
  @func({ cache: 'never' })
  @check()
  async signatures(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
  ): Promise<void> {
    await checkSignatures(this, source);
  }

  /** The program in a catalog's folder, with what it may need to reach sources and registries. */
  private at(source: Directory): Container {
    return this.connected.withDirectory(work, source);
  }
  /** Sets plain variables, for a local model server too. */
  private naming(values: Record<string, string>): Modelcars {
    const given = Object.entries(values).flatMap(([name, value]) => (value ? [`${name}=${value}`] : []));
    this.variables = [...this.variables, ...given];
    return this.reaching((container) => withNamed(container, given));
  }

  /** Changes the containers that reach sources and registries. */
  private reaching(change: (container: Container) => Container): Modelcars {
    this.connected = change(this.connected);
    this.signing = change(this.signing);
    return this;
  }
}
