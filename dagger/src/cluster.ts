import {
  argument,
  CacheSharingMode,
  type CacheVolume,
  type Container,
  type ContainerWithExecOpts,
  type Directory,
  dag,
  type File,
  func,
  object,
  type Secret,
  type Service,
} from '@dagger.io/dagger';
import { buildLayout, type Selection, selectionWords, slicesFor } from './catalog.ts';
import { stdoutOf, withProgramError } from './errors.ts';
import { kindVersion } from './images.ts';
import { catalogOf } from './model-slices.ts';
import { flags, modelcars, type Settings, uncached, withNamed, withProgramOn, work } from './program.ts';

/** Files and versions that a kind cluster is made of. */
export interface KindParts {
  nodeImage: string;
  config?: File;
  kserveVersion: string;
  kserveManifests: File[];
}

/** What the container engine's service is called in the containers that use it; the cluster's certificate has that name, too. */
const docker = 'docker';
const dockerPort = 2375;
/** Where a developer's cluster has its API: Kubernetes' usual port. */
const apiPort = 6443;
const folder = '/run/kind';
const kubeconfigs = '/run/kubeconfig';
const kubeconfigFile = `${kubeconfigs}/config`;
const kubeconfigSecret = '/run/secrets/kubeconfig';

/** An existing cluster with KServe, to smoke-test pushed images in */
@object()
export class Cluster {
  /** The program with the cluster's kubeconfig. */
  connected: Container;
  /** The flags that choose the cluster, its context and namespace. */
  flags: string[];

  constructor(connected: Container, flags: string[]) {
    this.connected = connected;
    this.flags = flags;
  }

  /**
   * Serve each pushed model with the cluster's KServe and compare a real prediction with the right answer
   *
   * @param source The folder of models.yaml
   * @param registry Registry and path that the cluster pulls from: quay.io/me
   * @param version Version of the images: v1.2.3
   * @param models Names from the catalog; all when none is given
   * @param only Only models of framework=NAME or name=GLOB
   */
  @func({ cache: 'never' })
  async smoke(
    @argument({ defaultPath: '/', ignore: ['.git', '**/node_modules', 'out', 'out.tar'] })
    source: Directory,
    registry: string = '',
    version: string = '',
    models: string[] = [],
    only: string[] = [],
  ): Promise<string> {
    const words = selectionWords({ source, models, only, version });
    const place = ['--remote', ...flags({ registry }), ...this.flags];
    const ready = uncached(this.connected.withDirectory(work, source));
    return await stdoutOf(ready.withExec(modelcars('smoke', ...words, ...place)));
  }
}

/** An existing cluster, reached by a kubeconfig that is mounted as a secret. */
export function clusterOf(
  { connected }: Settings,
  kubeconfig: Secret,
  context: string,
  namespace: string,
): Cluster {
  const ready = connected.withMountedSecret(kubeconfigSecret, kubeconfig);
  return new Cluster(ready, flags({ context, namespace, kubeconfig: kubeconfigSecret }));
}

/** Builds the selected models and smoke-tests them: in a kind cluster, or with `local` by a model server in the engine. */
export async function smokeBuilt(settings: Settings, selection: Selection, local: boolean): Promise<string> {
  const layout = await buildLayout(settings, selection);
  const catalog = catalogOf(await slicesFor(settings, selection), selection.source);
  const words = ['smoke', ...selectionWords(selection), '--layout', '/layout'];
  const smokeTest = (program: Container, more: string[], options: ContainerWithExecOpts) =>
    program
      .withDirectory(work, catalog)
      .withMountedDirectory('/layout', layout)
      .withExec(modelcars(...words, ...more), options);
  if (local) {
    // In a pod of its own, as KServe makes it: with namespaces, and a user of its own.
    const server = withNamed(withProgramOn(settings.imageRefs.python, settings.program), settings.variables);
    return await stdoutOf(smokeTest(server, ['--local'], { insecureRootCapabilities: true }));
  }
  const ready = withKind(settings, dockerEngine(settings, 'smoke'));
  const cluster = ['--cache-images', ...settings.kindFlags];
  return await stdoutOf(smokeTest(ready, cluster, { useEntrypoint: true }));
}

/**
 * A cluster with KServe for a developer: the service that its nodes run in, with the API's port. The API answers when this returns, and
 * the cluster ends with the session. The next one starts empty, with the images kept.
 */
export async function developerCluster(settings: Settings): Promise<Service> {
  const engine = dockerEngine(settings, 'developer');
  const own = { 'cluster-name': 'modelcars', 'api-port': String(apiPort), kubeconfig: kubeconfigFile };
  const words = ['cluster', ...flags(own), '--cache-images', ...settings.kindFlags];
  return await withProgramError(async () => {
    await engine.start();
    await uncached(withKind(settings, engine))
      .withMountedCache(kubeconfigs, kubeconfigVolume())
      .withExec(modelcars(...words), { useEntrypoint: true })
      .sync();
    return engine;
  });
}

/** The kubeconfig of the cluster that `developerCluster` made last, for a port of the machine that `up` runs on. */
export async function developerKubeconfig({ program }: Settings, port: number): Promise<File> {
  const lost = 'error: read the kubeconfig: no cluster was brought up\\nnext: dagger call kind up\\n';
  const script = [
    `test -s ${kubeconfigFile} || { printf '${lost}' >&2; exit 1; }`,
    `sed 's,https://${docker}:[0-9]*,https://localhost:${port},' ${kubeconfigFile} > /kubeconfig`,
  ];
  const copied = uncached(program)
    .withMountedCache(kubeconfigs, kubeconfigVolume())
    .withExec(['sh', '-c', script.join('\n')]);
  return (await withProgramError(() => copied.sync())).file('/kubeconfig');
}

/** The program with the files that a kind cluster is made of. */
export function withKindFiles(program: Container, { config, kserveManifests }: KindParts): Container {
  let ready = config ? program.withMountedFile(`${folder}/config.yaml`, config) : program;
  for (const [at, manifest] of kserveManifests.entries())
    ready = ready.withMountedFile(`${folder}/kserve-${at}.yaml`, manifest);
  return ready;
}

/** The flags that `withKindFiles` needs. */
export function kindFlags({ nodeImage, config, kserveVersion, kserveManifests }: KindParts): string[] {
  return flags({
    'node-image': nodeImage,
    'kind-config': config && `${folder}/config.yaml`,
    'kserve-version': kserveVersion,
    'kserve-manifest': kserveManifests.map((_, at) => `${folder}/kserve-${at}.yaml`),
  });
}

/**
 * A container engine as a service, as `docker:dind` of GitLab CI is. Its images, and what it makes of them, lie in a volume, one for each
 * purpose, so that a developer's cluster holds up no smoke test.
 */
function dockerEngine({ imageRefs }: Settings, purpose: 'smoke' | 'developer'): Service {
  const volume = dag.cacheVolume(`modelcars-docker-${purpose}`);
  const engine = dag
    .container()
    .from(imageRefs.docker)
    // Without TLS: on its network are steps of this engine only.
    .withEnvVariable('DOCKER_TLS_CERTDIR', '')
    .withMountedCache('/var/lib/docker', volume, { sharing: CacheSharingMode.Locked });
  // `up` opens every exposed port on the developer's machine: never Docker's, by which anyone would be root in the service.
  const open =
    purpose === 'smoke'
      ? engine.withExposedPort(dockerPort)
      : // Nothing answers at this port before the cluster runs.
        engine.withExposedPort(apiPort, { experimentalSkipHealthcheck: true });
  return open.asService({ args: ['--tls=false'], useEntrypoint: true, insecureRootCapabilities: true });
}

/** The program with kind, its files, docker's command line and the engine. */
function withKind(settings: Settings, engine: Service): Container {
  const script = [
    'for second in $(seq 60); do docker version > /dev/null 2>&1 && break; sleep 1; done',
    // What a run that was killed left in the volume: a cluster does not survive its engine.
    'docker ps --all --quiet | xargs -r docker rm --force --volumes > /dev/null',
    'exec "$@"',
  ];
  const dockerProgram = dag.container().from(settings.imageRefs.docker).file('/usr/local/bin/docker');
  return settings.kindFiles
    .withFile('/usr/local/bin/docker', dockerProgram)
    .withFile('/usr/local/bin/kind', settings.kindProgram ?? kindOf(settings), { permissions: 0o755 })
    .withServiceBinding(docker, engine)
    .withEnvVariable('DOCKER_HOST', `tcp://${docker}:${dockerPort}`)
    .withEntrypoint(['sh', '-c', script.join('\n'), 'sh']);
}

/** The kind program, built of its Go module, once. */
function kindOf({ imageRefs }: Settings): File {
  return dag
    .container()
    .from(imageRefs.golang)
    .withEnvVariable('CGO_ENABLED', '0')
    .withEnvVariable('GOBIN', '/out')
    .withExec(['go', 'install', `sigs.k8s.io/kind@${kindVersion}`])
    .file('/out/kind');
}

function kubeconfigVolume(): CacheVolume {
  return dag.cacheVolume('modelcars-kubeconfig');
}
