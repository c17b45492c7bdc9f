/** The image of a kind node with everything in it: `kind create cluster --image` with it asks no registry for anything. */
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { mlserverEnvironment } from '../../../scripts/kserve/local/server/mlserver.ts';
import { mlserver } from '../mlserver.ts';
import { cached, missingRoot, PartMissing } from '../parts.ts';
import { tarTree, writeArchive } from './archive.ts';
import { clusterArchives } from './images.ts';
import { controllerProgram, kserveVersions } from './kserve.ts';
import { makeNodeRoot } from './node-root.ts';
import { preload } from './preload.ts';
import {
  containerdPrograms,
  corednsProgram,
  etcdProgram,
  kubernetesPrograms,
  kubernetesVersion,
} from './programs.ts';
import { debianRoot, nodePackages, slimPackages } from './rootfs.ts';

/** The image's name in Docker, once its archive is loaded. */
export const nodeImage = `modelcars.test/node:${kubernetesVersion}`;

/**
 * The path of the node image's archive, for `docker load`; made first when need be, from nothing in a quarter of an hour on two
 * cores. Throws PartMissing on machines that cannot.
 */
export async function nodeArchive(): Promise<string> {
  return await cached(`node-${kubernetesVersion}-${await recipe()}`, 'node.tar', async (folder) => {
    const needsRoot = missingRoot('the making of a node image');
    if (needsRoot !== undefined) throw new PartMissing(needsRoot);
    await gather();
    const scratch = await mkdtemp(join(folder, '.scratch-'));
    try {
      const root = join(scratch, 'root');
      await mkdir(root);
      await makeNodeRoot(root);
      const images = join(scratch, 'images');
      await mkdir(images);
      await preload(root, await clusterArchives(images));
      await rm(images, { recursive: true });
      const layer = join(scratch, 'node.layer');
      await tarTree(layer, root);
      await rm(root, { recursive: true });
      // kind's Dockerfile: systemd asks for `container`, and ends on a signal of its own.
      await writeArchive(join(folder, 'node.tar'), {
        name: nodeImage,
        layers: [layer],
        config: {
          Env: ['container=docker', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
          Entrypoint: ['/usr/local/bin/entrypoint', '/sbin/init'],
          StopSignal: 'SIGRTMIN+3',
        },
      });
      await chmod(join(folder, 'node.tar'), 0o755);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/** What takes long, side by side: compilers want processors, packages the network. */
async function gather(): Promise<void> {
  const build = async (): Promise<void> => {
    await kubernetesPrograms();
    await containerdPrograms();
    await etcdProgram();
    await corednsProgram();
    for (const version of kserveVersions) await controllerProgram(version);
  };
  const install = async (): Promise<void> => {
    await debianRoot('node', nodePackages);
    await debianRoot('slim', slimPackages);
    await mlserver();
  };
  await Promise.all([build(), install()]);
}

/** A name derived from the image's contents: every version and step is in the files of this folder or in a list of pins. */
async function recipe(): Promise<string> {
  const own = import.meta.dirname;
  const files = (await readdir(own)).filter((file) => file.endsWith('.ts')).map((file) => join(own, file));
  const hash = createHash('sha256');
  for (const file of [...files.sort(), mlserverEnvironment.requirements]) {
    hash.update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 12);
}
