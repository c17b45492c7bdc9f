/** Podman with separate storage, so that it neither sees nor leaves anything on the machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { part } from './parts.ts';
import { type Result, tryRun } from './run.ts';

export interface Podman extends AsyncDisposable {
  /** Runs `podman ARGS…`. */
  podman(...args: string[]): Promise<Result>;
  /** Runs `podman run` without a network; `args` start with further options, followed by the image and its command. */
  run(...args: string[]): Promise<Result>;
}

/**
 * runc, because Debian's crun rejects a machine with hybrid cgroups. Limits are explicit, because podman's defaults
 * exceed those that a machine without CAP_SYS_RESOURCE may set.
 */
const limits = ['--network=none', '--ulimit=nofile=1024:1024', '--ulimit=nproc=1024:1024'];

/** Prepares one; needs root. Disposal removes its containers. */
export async function startPodman(): Promise<Podman> {
  const program = await part('podman');
  await part('runc');
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-podman-'));
  const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run')];
  const engine = ['--runtime=runc', '--cgroup-manager=cgroupfs', '--events-backend=file'];
  const podman = async (...args: string[]): Promise<Result> =>
    await tryRun(program, [...storage, ...engine, ...args]);
  return {
    podman,
    run: async (...args) => await podman('run', ...limits, ...args),
    [Symbol.asyncDispose]: async () => {
      await podman('rm', '--all', '--force', '--time=0');
      await podman('unmount', '--all', '--force');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
