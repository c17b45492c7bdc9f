import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { committedLayout } from './build.ts';
import { images, writeMembers } from './unpack.ts';

/** The user that a command runs as. */
export interface User {
  uid: number;
  gid: number;
}

const architectures: Record<string, string> = {
  x64: 'amd64',
  arm64: 'arm64',
  ppc64: 'ppc64le',
  s390x: 's390x',
};
/** As in the image's config: the program is looked up in the image by it, as a runtime does. */
const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
const root = process.getuid?.() === 0;

/**
 * The root file system of the embedded base, as in a model image, in which tests run commands: changed root, separate
 * PID namespace, /proc, the given user. Uses `unshare` of util-linux: as root with real user ids, otherwise with a user
 * namespace.
 */
export class Sandbox {
  readonly folder = mkdtempSync(join(tmpdir(), 'modelcars-sandbox-'));

  readonly #readOnly: string[] = [];

  /**
   * Unpacks the committed image of this machine's platform and adds `files` (by absolute name; they and their folders
   * are read-only, as in a model image).
   */
  static async create(files: Record<string, string>): Promise<Sandbox> {
    const sandbox = new Sandbox();
    chmodSync(sandbox.folder, 0o755);
    const all = await images(committedLayout);
    const image = all.find(({ config }) => config.architecture === architectures[process.arch]);
    if (image === undefined) throw new Error(`the embedded base has no image for ${process.arch}`);
    writeMembers(image.members, sandbox.folder);
    for (const [name, text] of Object.entries(files)) {
      const path = join(sandbox.folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { mode: 0o444 });
      chmodSync(dirname(path), 0o555);
      sandbox.#readOnly.push(dirname(path));
    }
    return sandbox;
  }

  /** Why commands cannot run on this machine, or undefined if they can. */
  static obstacle(): string | undefined {
    if (process.platform !== 'linux') return `the image runs on Linux, this is ${process.platform}`;
    if (architectures[process.arch] === undefined) return `the image has no platform ${process.arch}`;
    const tried = spawnSync('unshare', [...namespaces({ uid: 1001, gid: 0 }), '--mount-proc', 'true']);
    if (tried.status === 0) return undefined;
    return `unshare cannot make namespaces here, run as root: ${tried.error?.message ?? tried.stderr}`;
  }

  /** Runs a command to its end (at most 20 s). Standard output and error are one text, in the order written. */
  run(user: User, command: string[]): { status: number | null; output: string } {
    const merged = ['-c', 'exec "$@" 2>&1', 'sh', 'unshare', ...this.#enter(user), ...command];
    const done = spawnSync('sh', merged, { timeout: 20_000, killSignal: 'SIGKILL', env });
    return { status: done.status, output: done.stdout.toString() };
  }

  /** Starts a long-running command. It is process 1 of its namespace, as in a pod that does not share it. */
  start(user: User, command: string[]): ChildProcess {
    return spawn('unshare', [...this.#enter(user), ...command], { stdio: 'ignore', env });
  }

  /** The host's id of the process that `start` put into the sandbox; undefined until it exists. */
  static processOf(child: ChildProcess): number | undefined {
    const [first] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
    return first ? Number(first) : undefined;
  }

  /** A process's peak resident memory, including its share of files, in bytes. */
  static peakMemory(pid: number): number {
    const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(found?.[1]) * 1024;
  }

  remove(): void {
    for (const folder of this.#readOnly) chmodSync(folder, 0o755);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #enter(user: User): string[] {
    return [...namespaces(user), `--root=${this.folder}`, '--mount-proc', '--'];
  }
}

function namespaces(user: User): string[] {
  const ids = root
    ? [`--setuid=${user.uid}`, `--setgid=${user.gid}`]
    : ['--user', `--map-user=${user.uid}`, `--map-group=${user.gid}`];
  return [...ids, '--mount', '--pid', '--fork', '--kill-child'];
}
