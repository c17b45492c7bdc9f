/** The images a cluster runs, each an archive: the control plane, KServe's controller, MLServer. */
import { join } from 'node:path';
import { mlserver } from '../mlserver.ts';
import { PartMissing } from '../parts.ts';
import { run } from '../run.ts';
import { type ImageContent, tarTree, writeArchive, writeLayer } from './archive.ts';
import { controllerImage, controllerProgram, type KServeVersion, kserveVersions } from './kserve.ts';
import { corednsProgram, etcdProgram, imageTags, kubernetesPrograms, kubernetesVersion } from './programs.ts';
import { debianRoot, slimPackages } from './rootfs.ts';

/** The name that KServe 0.20's kserve-mlserver has. */
export const mlserverImage = 'docker.io/seldonio/mlserver:1.7.1';

/** Makes every archive in `folder`. Returns their paths. Throws PartMissing without Go, a C compiler, Debian 12 or Python 3.11. */
export async function clusterArchives(folder: string): Promise<string[]> {
  const kubernetes = await kubernetesPrograms();
  const registry = 'registry.k8s.io';
  const server = (name: string): Content => ({
    name: `${registry}/${name}:${kubernetesVersion}`,
    program: join(kubernetes, name),
  });
  const contents: Content[] = [
    server('kube-apiserver'),
    server('kube-controller-manager'),
    server('kube-scheduler'),
    { ...server('kube-proxy'), below: [await debianRoot('slim', slimPackages)] },
    { name: `${registry}/etcd:${imageTags.etcd}`, program: await etcdProgram() },
    { name: `${registry}/coredns/coredns:${imageTags.coredns}`, program: await corednsProgram() },
    { name: `${registry}/pause:${imageTags.pause}`, program: join(kubernetes, 'pause'), user: '65535:65535' },
  ];
  for (const version of kserveVersions) contents.push(await controller(version));
  const archives: string[] = [];
  for (const [at, content] of contents.entries()) {
    const layer = join(folder, `${at}.layer`);
    const name = content.program.split('/').at(-1) ?? '';
    const to = content.to ?? `usr/local/bin/${name}`;
    await writeLayer(layer, [
      { to: 'tmp', mode: 0o1777 },
      { to, from: content.program, mode: 0o755 },
    ]);
    const config = {
      Entrypoint: [`/${to}`],
      ...(content.user !== undefined && { User: content.user }),
    };
    archives.push(join(folder, `${at}.tar`));
    await writeArchive(join(folder, `${at}.tar`), {
      name: content.name,
      layers: [...(content.below ?? []), layer],
      config,
    });
  }
  return [...archives, await mlserverArchive(folder)];
}

/** MLServer 1.7.1 as the archive of an image, made in `folder`. Returns its path. */
export async function mlserverArchive(folder: string): Promise<string> {
  const file = join(folder, 'mlserver.tar');
  await writeArchive(file, await mlserverContent(folder));
  return file;
}

/** An image with one program built here, which it runs. */
interface Content {
  name: string;
  program: string;
  /** Where the program goes; /usr/local/bin by default. */
  to?: string;
  user?: string;
  /** Layers below. */
  below?: string[];
}

async function controller(version: KServeVersion): Promise<Content> {
  const program = await controllerProgram(version);
  // KServe's Dockerfile.
  return { name: controllerImage(version), program, to: 'manager', user: '1000:1000' };
}

/** MLServer's packages as the tests' environment has them, on Debian's Python; command and user as in MLServer's Dockerfile. */
async function mlserverContent(folder: string): Promise<ImageContent> {
  const { python } = await mlserver();
  const code = 'import sys, sysconfig; print(sys.version_info[1], sysconfig.get_path("purelib"))';
  const [minor, site = ''] = (await run(python, ['-c', code])).trim().split(' ');
  if (minor !== '11')
    throw new PartMissing('the image of MLServer is made with Python 3.11 only: install it');
  const layer = join(folder, 'mlserver.layer');
  const where = 'opt/mlserver';
  const leave = ['pip', '__pycache__', 'tests'].map((name) => `--exclude=*/${name}`);
  const owner = ['--owner=0', '--group=0', `--transform=s,^\\.,${where},`];
  await tarTree(layer, site, [...leave, ...owner]);
  const environment = {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    PYTHONPATH: `/${where}`,
    PYTHONDONTWRITEBYTECODE: '1',
    HOME: '/tmp',
  };
  return {
    name: mlserverImage,
    layers: [await debianRoot('slim', slimPackages), layer],
    config: {
      User: '1000',
      WorkingDir: '/tmp',
      Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
      Entrypoint: ['/usr/bin/python3', '-c', 'from mlserver.cli import main; main()'],
      Cmd: ['start', '/mnt/models'],
    },
  };
}
