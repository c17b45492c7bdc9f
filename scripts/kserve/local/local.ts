import { randomInt } from 'node:crypto';
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ModelcarsError } from '../../errors.ts';
import { isAlive } from '../../files/atomic.ts';
import { FreeSpace } from '../../store/free-space.ts';
import { list } from '../../text/format.ts';
import { randomUser } from '../manifests/security-context.ts';
import { knownVariables } from '../manifests/variables.ts';
import { modelcarUser } from '../smoke/cases.ts';
import type { Security, SmokeResult } from '../types.ts';
import { smokeInEngine } from './container/smoke-in-engine.ts';
import { ownPlatform, type RunnableImage, runnableImage } from './image.ts';
import { NoPod, type Pod, startPod } from './pod.ts';
import { serveAndAsk } from './serve.ts';
import { launcherFor } from './server/launcher.ts';
import type { LocalOptions, Verdict } from './types.ts';
import { removeTree, unpackLayers } from './unpack.ts';

/**
 * Serves one image on this machine as a KServe pod would, requests a prediction and checks it. A model that does not
 * serve is `failed` with a Diagnosis; one for which this machine has no server is `skipped`. Throws a ModelcarsError
 * when the test itself cannot run (image missing, disk full, no Python, offline at first use, cancelled).
 *
 * local/ turns an image into a SmokeResult without a cluster: server/ starts a model server of this machine, container/
 * one in podman or docker.
 */
export async function smokeLocal(options: LocalOptions): Promise<SmokeResult> {
  const { model, framework, security = 'openshift', server, signal } = options;
  signal.throwIfAborted();
  const start = Date.now();
  const ended = (rest: Pick<SmokeResult, 'status'> & Partial<SmokeResult>): SmokeResult => ({
    model: model.name,
    mode: 'local',
    security,
    seconds: (Date.now() - start) / 1000,
    ...rest,
  });
  const { ofCluster } = knownVariables(model.serving);
  if (ofCluster.length > 0)
    options.warn(`tested without ${list(ofCluster, 'and')}: only a cluster has the values`);
  const image = await runnableImage(options.image);
  let verdict: Verdict;
  if (server !== undefined && 'image' in server) {
    verdict = await inFolder(options, image, (work) =>
      smokeInEngine(
        { ...options, security, server },
        image,
        work,
        userOf(security, image, 20_000 + randomInt(40_000)),
      ),
    );
  } else {
    const launcher = await launcherFor(framework, server?.command, options);
    if ('reason' in launcher) return ended({ status: 'skipped', reason: launcher.reason });
    verdict = await inFolder(options, image, (work, rootfs) =>
      smokeHere({ ...options, security }, image, launcher, work, rootfs),
    );
  }
  const { diagnosis } = verdict;
  return ended(diagnosis === undefined ? { status: 'passed' } : { status: 'failed', diagnosis });
}

/** Calls `use` with a temporary folder, after reserving disk space for the image's files; deletes it afterwards. */
async function inFolder(
  { model }: LocalOptions,
  { size }: RunnableImage,
  use: (work: string, rootfs: string) => Promise<Verdict>,
): Promise<Verdict> {
  await new FreeSpace().reserve(`smoke ${model.name}`, tmpdir(), [{ key: 'image', bytes: size }], '$TMPDIR');
  await sweep(tmpdir());
  const work = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  try {
    await chmod(work, 0o755);
    // Closed to other users: in a pod, too, the files are reached only through the modelcar's root.
    await mkdir(join(work, 'image'), { mode: 0o700 });
    const rootfs = join(work, 'image', 'rootfs');
    await mkdir(rootfs, { mode: 0o755 });
    return await use(work, rootfs);
  } finally {
    await removeTree(work);
  }
}

/** Prefix of the folders' names; the process ID follows. */
const folderPrefix = 'modelcars-smoke-';

/** Deletes folders left by this user's killed runs. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number(new RegExp(`^${folderPrefix}(\\d+)-\\w+$`).exec(name)?.[1]);
    if (!(pid > 0) || isAlive(pid)) continue;
    const found = await lstat(join(parent, name)).catch(() => undefined);
    if (found?.isDirectory() && found.uid === process.getuid?.()) await removeTree(join(parent, name));
  }
}

type Launcher = Exclude<Awaited<ReturnType<typeof launcherFor>>, { reason: string }>;

async function smokeHere(
  options: LocalOptions & { security: Security },
  image: RunnableImage,
  launcher: Launcher,
  work: string,
  rootfs: string,
): Promise<Verdict> {
  const { model, security, signal, say, warn } = options;
  const root = process.getuid?.() === 0;
  const user = { uid: userOf(security, image, randomUser()), gid: 0 };
  say(`unpacking ${model.name} (${ownPlatform().architecture})`);
  await unpackLayers(options.image.store, image.layers, rootfs, { ...user, chown: root }, signal);
  const [home, shared] = [join(work, 'home'), join(work, 'mnt')];
  await mkdir(home, { mode: 0o700 });
  await mkdir(shared, { mode: 0o755 });
  if (root) for (const folder of [home, shared]) await chown(folder, user.uid, user.gid);
  if (!root)
    warn(
      `not root: UID ${user.uid} is your own user under another number; what it may read is derived from modes and owners`,
    );
  const pod = await startPod({ rootfs, shared, user }).catch((error: unknown) => {
    if (!(error instanceof NoPod)) throw error;
    warn(
      `this machine ${error.message}: the link through /proc, the shell of the base and the entrypoint are not checked`,
    );
    return undefined;
  });
  if (pod === undefined) {
    await chmod(join(work, 'image'), 0o755);
    await symlink(join(rootfs, 'models'), join(shared, 'models'));
    return await serveAndAsk(undefined, options, image, launcher, { home, shared, user });
  }
  await using own: Pod = pod;
  return await serveAndAsk(own, options, image, launcher, { home, shared, user });
}

/**
 * The UID of server and modelcar; `random` is the one OpenShift would choose (rootless engines only have small ones).
 */
function userOf(security: Security, { user }: RunnableImage, random: number): number {
  if (security === 'openshift') return random;
  if (security === 'modelcar') return modelcarUser;
  const [name = ''] = user.split(':');
  if (name === '' || name === 'root') return 0;
  if (/^\d+$/.test(name)) return Number(name);
  throw new ModelcarsError(
    'integrity',
    `test the image: its user is a name, not a number: ${JSON.stringify(name)}`,
    {
      next: 'build it with modelcars, whose images run as UID 1001',
    },
  );
}
