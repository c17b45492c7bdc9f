/** Shows a modelcar to the model server as KServe does: as another container's root folder under /proc. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Sidecar extends AsyncDisposable {
  /** KServe's /mnt/models: a link to `/proc/<pid>/root/models`. */
  models: string;
}

/**
 * A process whose root folder is `rootfs`, in a separate mount namespace: a container as far as /proc/<pid>/root is
 * concerned (readlink gives `/`, which chroot alone would not). KServe: pkg/utils/storage.go, `ln -sf
 * /proc/$$$$/root/models`. Without root it needs user namespaces.
 */
export async function startSidecar(rootfs: string): Promise<Sidecar> {
  const root = process.getuid?.() === 0;
  const unshare = [
    ...(root ? [] : ['--user', '--map-root-user']),
    '--mount',
    'sh',
    '-c',
    script,
    'sh',
    rootfs,
  ];
  const child = spawn('unshare', unshare, { stdio: ['pipe', 'pipe', 'pipe'] });
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-sidecar-'));
  const dispose = async (): Promise<void> => {
    // The shell ends when its stdin does, and so also when this process dies.
    child.stdin.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  };
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const [said] = await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  if (!(said instanceof Buffer)) {
    await dispose();
    throw new Error(`start sidecar in ${rootfs}: ${complaint}`);
  }
  const models = join(folder, 'models');
  await symlink(`/proc/${said.toString().trim()}/root/models`, models);
  return { models, [Symbol.asyncDispose]: dispose };
}

/** Only shell builtins after pivot_root, so that `rootfs` needs no programs. */
const script = 'mount --bind "$1" "$1" && cd "$1" && pivot_root . . && echo "$$" && read -r _';
