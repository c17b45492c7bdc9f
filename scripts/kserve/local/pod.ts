import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { shellWord } from '../../text/shell.ts';
import { reachScript } from './reach.ts';
import { findTools, type Tools } from './tools.ts';

/** The settings of a pod. */
export interface PodSettings {
  /** The image's root file system, unpacked. */
  rootfs: string;
  /** KServe's emptyDir: the image sees it as /mnt, the server as this folder. */
  shared: string;
  user: { uid: number; gid: number };
}

export interface Command {
  argv: [string, ...string[]];
  env: Record<string, string>;
}

/** Two containers that see each other's processes, as in KServe's pod with a modelcar. */
export interface Pod extends AsyncDisposable {
  /** Starts a program of the image in its root file system, with its output in pipes. */
  inImage(command: Command): ChildProcess;
  /**
   * Starts the model server with this machine's files, in `cwd`, with its output in an open file. It can reach the
   * folders `needs`, even below folders that its user cannot enter.
   */
  serve(command: Command, options: { cwd: string; output: number; needs: readonly string[] }): ChildProcess;
}

/** Why a pod cannot be started here; the message completes "this machine …". */
export class NoPod extends Error {
  override readonly name = 'NoPod';
}

/**
 * Starts an empty pod: a process namespace that ends, with all its processes, whenever this process ends. Both
 * containers run as `user`, without capabilities and without a way to gain any. Needs root or user namespaces; in
 * these, `user` is the current user under another number. Throws NoPod when the kernel or the machine does not allow
 * it.
 */
export async function startPod({ rootfs, shared, user }: PodSettings): Promise<Pod> {
  const tools = await findTools();
  if (tools === undefined) throw new NoPod('is no Linux with unshare, nsenter and setpriv (util-linux)');
  const root = process.getuid?.() === 0;
  const own = root ? [] : ['--user', `--map-user=${user.uid}`, `--map-group=${user.gid}`, '--keep-caps'];
  const apart = ['--mount', '--pid', '--fork', '--kill-child'];
  const holder = spawn(
    tools.unshare,
    [...own, ...apart, tools.sh, '-c', holderScript, 'sh', rootfs, shared, tools.unshare],
    { env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` }, stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const kill = (): void => void holder.kill('SIGKILL');
  process.once('exit', kill);
  const dispose = async (): Promise<void> => {
    // The first process of the namespace exits when its stdin ends; the kernel then kills the others.
    holder.stdin.end();
    if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit');
    process.off('exit', kill);
  };
  holder.stdin.on('error', () => undefined);
  let complaint = '';
  holder.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const lines = createInterface({ input: holder.stdout });
  const failed = once(holder, 'close').then(() => undefined);
  const first = await Promise.race([once(lines, 'line'), failed]).catch(() => undefined);
  const pid = Number(first?.[0]);
  if (!Number.isInteger(pid) || pid < 2 || holder.pid === undefined) {
    await dispose();
    throw new NoPod(
      `does not allow namespaces (${complaint.trim().split('\n').at(-1) ?? 'no reason given'})`,
    );
  }
  return {
    inImage: ({ argv, env }) =>
      spawn(...enterImage(tools, pid, user, root, argv), { env, stdio: ['ignore', 'pipe', 'pipe'] }),
    serve: ({ argv, env }, { output, ...where }) =>
      spawn(...enterServer(tools, { holder: holder.pid ?? 0, pid }, user, root, where, argv), {
        env,
        stdio: ['ignore', output, output],
      }),
    [Symbol.asyncDispose]: dispose,
  };
}

/**
 * Prints its process ID as seen outside, mounts the pod's /proc in the server's namespace, and moves to a separate
 * namespace with `$1` as root (by pivot_root: after a chroot, /proc/<pid>/root would show another path than in a
 * container). After that it uses only shell builtins, since the image may contain no program.
 */
const holderScript = `
  read -r pid rest < /proc/self/stat && mount -t proc proc /proc &&
  exec "$3" --mount sh -c '
    mkdir -p "$1/proc" "$1/mnt" && mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && mount --bind "$2" "$1/mnt" &&
    cd "$1" && pivot_root . . && echo "$3" && read -r _' sh "$1" "$2" "$pid"`;

type Spawnable = [string, string[]];

function enterImage(
  { nsenter, setpriv }: Tools,
  pid: number,
  { uid, gid }: PodSettings['user'],
  root: boolean,
  argv: string[],
): Spawnable {
  const at = `/proc/${pid}`;
  const spaces = [`--mount=${at}/ns/mnt`, `--pid=${at}/ns/pid`, `--root=${at}/root`, `--wd=${at}/root`];
  const as = root
    ? ['--setuid', `${uid}`, '--setgid', `${gid}`]
    : [`--user=${at}/ns/user`, '--preserve-credentials'];
  return [setpriv, ['--no-new-privs', nsenter, ...spaces, ...as, '--', ...argv]];
}

function enterServer(
  { nsenter, setpriv, sh }: Tools,
  { holder, pid }: { holder: number; pid: number },
  { uid, gid }: PodSettings['user'],
  root: boolean,
  { cwd, needs }: { cwd: string; needs: readonly string[] },
  argv: string[],
): Spawnable {
  const spaces = [`--mount=/proc/${holder}/ns/mnt`, `--pid=/proc/${pid}/ns/pid`];
  const own = root ? [] : [`--user=/proc/${pid}/ns/user`, '--preserve-credentials'];
  const drop = ['--clear-groups', '--bounding-set=-all', '--inh-caps=-all'];
  const as = root ? ['--reuid', `${uid}`, '--regid', `${gid}`, ...drop] : [];
  // Entering a mount namespace sets the working directory to its root.
  const script = `${root ? reachScript(needs) : ''}\ncd ${shellWord(cwd)} && exec "$@"`;
  return [
    nsenter,
    [...spaces, ...own, '--', sh, '-c', script, 'sh', setpriv, ...as, '--no-new-privs', ...argv],
  ];
}
