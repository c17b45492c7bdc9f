import {
  CacheSharingMode,
  type CacheVolume,
  type Container,
  dag,
  type File,
  type Secret,
  type Service,
} from '@dagger.io/dagger';
import { withProgramError } from './errors.ts';
import { kindVersion } from './images.ts';
import { flags, modelcars, uncached } from './program.ts';

/** What a kind cluster is made of; each part may be another one where the usual one is out of reach. */
export interface ClusterParts {
  dockerImage: string;
  goImage: string;
  kindProgram?: File;
  kindNodeImage: string;
  kindConfig?: File;
  kserveVersion: string;
  kserveManifest: File[];
  /** What registries are logged in to with, for node and server images. */
  dockerConfig?: Secret;
}

/** What the container engine's service is called in the containers that use it; the cluster's certificate has that name, too. */
const docker = 'docker';
const dockerPort = 2375;
/** Where a developer's cluster has its API: Kubernetes' usual port. */
const apiPort = 6443;
const folder = '/run/kind';
const login = '/run/secrets/docker';
const kubeconfigs = '/run/kubeconfig';
const kubeconfigFile = `${kubeconfigs}/config`;

/**
 * A cluster with KServe for a developer: the service that its nodes run in, with the API's port. It is there, and answers, when this
 * returns, and ends with the session. What it holds is no longer than that: the next one begins anew, with the images kept.
 */
export async function developerCluster(program: Container, parts: ClusterParts): Promise<Service> {
  const engine = engineOf(parts, 'developer');
  const own = { 'cluster-name': 'modelcars', 'api-port': String(apiPort), kubeconfig: kubeconfigFile };
  const words = ['cluster', ...flags(own), ...clusterFlags(parts)];
  return await withProgramError(async () => {
    await engine.start();
    await uncached(withKind(program, engine, parts))
      .withMountedCache(kubeconfigs, kubeconfigVolume())
      .withExec(modelcars(...words), { useEntrypoint: true })
      .sync();
    return engine;
  });
}

/** The kubeconfig of the cluster that `developerCluster` made last, for a port of the machine that `up` runs on. */
export async function developerKubeconfig(program: Container, port: number): Promise<File> {
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

/**
 * A container engine as a service, as `docker:dind` of GitLab CI is. Its images, and what it makes of them, lie in a volume, one for each
 * purpose, so that a developer's cluster holds up no smoke test.
 */
export function engineOf({ dockerImage }: ClusterParts, purpose: 'smoke' | 'developer'): Service {
  const volume = dag.cacheVolume(`modelcars-docker-${purpose}`);
  const engine = dag
    .container()
    .from(dockerImage)
    // Without TLS: on its network are steps of this engine only.
    .withEnvVariable('DOCKER_TLS_CERTDIR', '')
    .withMountedCache('/var/lib/docker', volume, { sharing: CacheSharingMode.Locked });
  // `up` opens every exposed port on the developer's machine: never Docker's, by which anyone would be root in the service.
  const open =
    purpose === 'smoke'
      ? engine.withExposedPort(dockerPort)
      : // Nothing answers there before there is a cluster.
        engine.withExposedPort(apiPort, { experimentalSkipHealthcheck: true });
  return open.asService({ args: ['--tls=false'], useEntrypoint: true, insecureRootCapabilities: true });
}

/** The program with kind, docker's command line and the engine. */
export function withKind(program: Container, engine: Service, parts: ClusterParts): Container {
  const { dockerImage, kindConfig, kserveManifest, dockerConfig } = parts;
  const script = [
    'for second in $(seq 60); do docker version > /dev/null 2>&1 && break; sleep 1; done',
    // What a run that was killed left in the volume: a cluster does not survive its engine.
    'docker ps --all --quiet | xargs -r docker rm --force --volumes > /dev/null',
    'exec "$@"',
  ];
  let ready = program
    .withFile('/usr/local/bin/docker', dag.container().from(dockerImage).file('/usr/local/bin/docker'))
    .withFile('/usr/local/bin/kind', kindOf(parts), { permissions: 0o755 })
    .withServiceBinding(docker, engine)
    .withEnvVariable('DOCKER_HOST', `tcp://${docker}:${dockerPort}`)
    .withEntrypoint(['sh', '-c', script.join('\n'), 'sh']);
  if (dockerConfig) {
    ready = ready
      .withMountedSecret(`${login}/config.json`, dockerConfig)
      .withEnvVariable('DOCKER_CONFIG', login);
  }
  if (kindConfig) ready = ready.withMountedFile(`${folder}/config.yaml`, kindConfig);
  for (const [at, manifest] of kserveManifest.entries())
    ready = ready.withMountedFile(`${folder}/kserve-${at}.yaml`, manifest);
  return ready;
}

/** The flags that go with it. */
export function clusterFlags({
  kindNodeImage,
  kindConfig,
  kserveVersion,
  kserveManifest,
}: ClusterParts): string[] {
  return [
    '--cache-images',
    ...flags({
      'node-image': kindNodeImage,
      'kind-config': kindConfig && `${folder}/config.yaml`,
      'kserve-version': kserveVersion,
      'kserve-manifest': kserveManifest.map((_, at) => `${folder}/kserve-${at}.yaml`),
    }),
  ];
}

/** The kind program: the given one, or built of its Go module, once. */
function kindOf({ goImage, kindProgram }: ClusterParts): File {
  if (kindProgram) return kindProgram;
  return dag
    .container()
    .from(goImage)
    .withEnvVariable('CGO_ENABLED', '0')
    .withEnvVariable('GOBIN', '/out')
    .withExec(['go', 'install', `sigs.k8s.io/kind@${kindVersion}`])
    .file('/out/kind');
}

function kubeconfigVolume(): CacheVolume {
  return dag.cacheVolume('modelcars-kubeconfig');
}
