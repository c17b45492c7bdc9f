/** The root file system of a node as in kind's images/base/Dockerfile, made of Debian's packages and programs built here. */
import { chmod, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../run.ts';
import { containerdPrograms, kindNodeFiles, kubernetesPrograms, kubernetesVersion } from './programs.ts';
import { debianRoot, nodePackages } from './rootfs.ts';

/** Below the sub-network of pods that kind gives by default, 10.244.0.0/16: that of its first node. */
const network = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'ptp',
      ipMasq: true,
      mtu: 1500,
      ipam: {
        type: 'host-local',
        dataDir: '/run/cni-ipam-state',
        routes: [{ dst: '0.0.0.0/0' }],
        ranges: [[{ subnet: '10.244.0.0/24' }]],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
};

/** kind creates what these hold, and fails on nothing at all. */
const manifests = {
  'default-cni.yaml': {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'network', namespace: 'kube-system' },
    data: { why: 'the node image holds its network plugin and /etc/cni/net.d' },
  },
  'default-storage.yaml': {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'standard', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'kubernetes.io/no-provisioner',
  },
};

/** Makes the node's root file system in the empty folder `root`; needs root. */
export async function makeNodeRoot(root: string): Promise<void> {
  const at = (path: string): string => join(root, path);
  await run('tar', ['--extract', '--file', await debianRoot('node', nodePackages), '--directory', root]);
  const files = await kindNodeFiles();
  for (const folder of ['etc', 'kind', 'usr']) {
    await run('cp', ['-rT', '--no-preserve=mode,ownership', join(files, folder), at(folder)]);
  }
  for (const folder of ['usr/local/bin', 'kind/bin']) await run('chmod', ['-R', '755', at(folder)]);
  await trimSystemd(root);
  await installPrograms(root);
  await mkdir(at('etc/kubernetes/manifests'), { recursive: true });
  await mkdir(at('etc/cni/net.d'), { recursive: true });
  await writeFile(at('etc/cni/net.d/10-pods.conflist'), JSON.stringify(network));
  await mkdir(at('kind/manifests'), { recursive: true });
  for (const [name, manifest] of Object.entries(manifests)) {
    await writeFile(at(`kind/manifests/${name}`), JSON.stringify(manifest));
  }
  await writeFile(at('kind/version'), kubernetesVersion);
  await configureContainerd(root);
  for (const folder of ['run', 'tmp', 'var/cache/apt', 'var/lib/apt/lists']) await empty(at(folder));
}

/** Removes the units that a node does not run: the same steps as in kind's Dockerfile. */
async function trimSystemd(root: string): Promise<void> {
  const units = join(root, 'lib/systemd/system');
  const own = join(root, 'etc/systemd/system');
  await rm(join(units, 'sysinit.target.wants/systemd-tmpfiles-setup.service'), { force: true });
  for (const target of ['multi-user', 'local-fs', 'basic'])
    await empty(join(units, `${target}.target.wants`));
  for (const wanted of await entries(own)) if (wanted.endsWith('.wants')) await empty(join(own, wanted));
  const sockets = join(units, 'sockets.target.wants');
  for (const unit of await entries(sockets)) {
    if (/udev|initctl/.test(unit)) await rm(join(sockets, unit));
  }
  await rm(join(own, 'containerd-fuse-overlayfs.service'), { force: true });
  await writeFile(join(root, 'etc/systemd/journald.conf'), '[Journal]\nReadKMsg=no\n');
  const wants = join(own, 'multi-user.target.wants');
  await mkdir(wants, { recursive: true });
  for (const unit of ['kubelet', 'containerd', 'undo-mount-hacks']) {
    await symlink(`/etc/systemd/system/${unit}.service`, join(wants, `${unit}.service`));
  }
  await symlink('/dev/null', join(own, 'systemd-binfmt.service'));
  await symlink('/lib/systemd/systemd', join(root, 'sbin/init'));
}

async function installPrograms(root: string): Promise<void> {
  const kubernetes = await kubernetesPrograms();
  const containerd = await containerdPrograms();
  const copies = [
    ...['kubelet', 'kubeadm', 'kubectl'].map((name) => [join(kubernetes, name), `usr/bin/${name}`]),
    ...['containerd', 'containerd-shim-runc-v2', 'ctr'].map((name) => [
      join(containerd, name),
      `usr/local/bin/${name}`,
    ]),
    ...['host-local', 'loopback', 'ptp', 'portmap'].map((name) => [
      join(root, 'usr/lib/cni', name),
      `opt/cni/bin/${name}`,
    ]),
  ];
  for (const [from = '', to = ''] of copies) {
    await cp(from, join(root, to));
    await chmod(join(root, to), 0o755);
  }
  await symlink('/usr/sbin/runc', join(root, 'usr/local/sbin/runc'));
}

/** What kind's Dockerfile does, and what a node needs that may not lower its OOM score: CI's containers lack CAP_SYS_RESOURCE. */
async function configureContainerd(root: string): Promise<void> {
  const spec: { process: { rlimits?: unknown }; hooks?: object } = JSON.parse(
    await run(join(await containerdPrograms(), 'ctr'), ['oci', 'spec']),
  );
  delete spec.process.rlimits;
  spec.hooks = { createContainer: [{ path: '/kind/bin/mount-product-files.sh' }] };
  await writeFile(join(root, 'etc/containerd/cri-base.json'), JSON.stringify(spec));
  const file = join(root, 'etc/containerd/config.toml');
  const config = await readFile(file, 'utf8');
  const changed = config.replace('restrict_oom_score_adj = false', 'restrict_oom_score_adj = true');
  if (changed === config) throw new Error('make node: kind has another containerd configuration');
  const registries =
    '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n';
  await writeFile(file, `${changed}\n${registries}`);
}

async function empty(folder: string): Promise<void> {
  for (const name of await entries(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

async function entries(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}
