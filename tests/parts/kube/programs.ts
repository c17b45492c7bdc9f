/** The programs of a cluster, each built from its Go module at a pinned version. */
import { join } from 'node:path';
import { PartMissing } from '../parts.ts';
import { tryRun } from '../run.ts';
import { type GoBuild, goModule, goPrograms } from './go.ts';

/** Kubernetes; kubeadm of this version wants the images below. */
export const kubernetesVersion = 'v1.34.2';
/** What `kubeadm config images list` of it says, and kind's containerd for `pause`. */
export const imageTags = { etcd: '3.6.5-0', coredns: 'v1.12.1', pause: '3.10' };

/** The module of kind, whose zip also holds the files of its node image. */
const kind = { module: 'sigs.k8s.io/kind', version: 'v0.30.0' };

const versionFlags = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
  .map((at) => `-X ${at}.gitVersion=${kubernetesVersion} -X ${at}.gitMajor=1 -X ${at}.gitMinor=34`)
  .join(' ');

const kubernetes: GoBuild = {
  name: 'kubernetes',
  module: 'k8s.io/kubernetes',
  version: kubernetesVersion,
  packages: [
    'cmd/kube-apiserver',
    'cmd/kube-controller-manager',
    'cmd/kube-scheduler',
    'cmd/kube-proxy',
    'cmd/kubelet',
    'cmd/kubeadm',
    'cmd/kubectl',
  ],
  // The modules below staging/ are published as v0.34.2.
  inside: kubernetesVersion.replace('v1.', 'v0.'),
  ldflags: versionFlags,
  finish: buildPause,
};

/** The folder with kube-apiserver, kubelet, kubeadm, kubectl, pause … Throws PartMissing without Go or a C compiler. */
export function kubernetesPrograms(): Promise<string> {
  return goPrograms(kubernetes);
}

/** etcd 3.6. Throws PartMissing without Go. */
export async function etcdProgram(): Promise<string> {
  const module = 'go.etcd.io/etcd/server/v3';
  return join(await goPrograms({ name: 'etcd', module, version: 'v3.6.5', packages: ['.'] }), 'etcd');
}

/** The `kind` command. Throws PartMissing without Go. */
export async function kindProgram(): Promise<string> {
  return join(await goPrograms({ name: 'kind', ...kind, packages: ['.'] }), 'kind');
}

/** kind's own files for a node image: `images/base/files` of its module. */
export async function kindNodeFiles(): Promise<string> {
  return join(await goModule(kind.module, kind.version), 'images/base/files');
}

/**
 * The folder with containerd, its shim and ctr. Debian 12's 1.6 cannot mount an image as a volume (KEP-4639), and only since 2.2
 * is a folder of the image mounted (`ImageSubPath` in internal/cri/server/container_image_mount.go), as KServe's oci+native:// wants.
 */
export function containerdPrograms(): Promise<string> {
  return goPrograms({
    name: 'containerd',
    module: 'github.com/containerd/containerd/v2',
    version: 'v2.2.3',
    packages: ['cmd/containerd', 'cmd/containerd-shim-runc-v2', 'cmd/ctr'],
    tags: 'no_btrfs no_devmapper no_zfs',
  });
}

/** CoreDNS with the plugins of kubeadm's Corefile and no other: those of the clouds would take minutes to build. */
export async function corednsProgram(): Promise<string> {
  const module = 'github.com/coredns/coredns';
  const own = (path: string): string => JSON.stringify(`${module}/${path}`);
  const main = [
    'package main',
    'import (',
    own('core/dnsserver'),
    own('coremain'),
    ...corednsPlugins.map((name) => `_ ${own(`plugin/${name === 'prometheus' ? 'metrics' : name}`)}`),
    ')',
    `func init() { dnsserver.Directives = []string{${corednsPlugins.map((name) => JSON.stringify(name)).join()}} }`,
    'func main() { coremain.Run() }',
  ];
  const build = { name: 'coredns', module, version: imageTags.coredns, main: main.join('\n') };
  return join(await goPrograms({ ...build, packages: ['.'] }), 'coredns');
}

/** kubeadm's Corefile uses these, in the order of CoreDNS' plugin.cfg. */
const corednsPlugins = [
  'reload',
  'health',
  'ready',
  'prometheus',
  'errors',
  'log',
  'cache',
  'loadbalance',
  'hosts',
  'kubernetes',
  'loop',
  'forward',
];

/** The container that holds a pod's namespaces is C: with KServe's shared process namespace it is PID 1, and reaps. */
async function buildPause(folder: string, source: string): Promise<void> {
  const version = `-DVERSION=${imageTags.pause}`;
  const code = join(source, 'build/pause/linux/pause.c');
  const flags = ['-Os', '-static', '-s', version, '-o', join(folder, 'pause'), code];
  const built = await tryRun('gcc', flags).catch(() => undefined);
  if (!built) throw new PartMissing('pause is built from C: install the Debian packages gcc and libc6-dev');
  if (built.code !== 0) throw new Error(`build pause: ${built.stderr}`);
}
