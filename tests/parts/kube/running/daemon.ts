/** A Docker daemon private to the tests, for kind's nodes: separate socket, storage and networks. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { part } from '../../parts.ts';
import { type Result, tryRun } from '../../run.ts';

export interface NodeDaemon {
  /** DOCKER_HOST, for `kind` and `docker`. */
  env: Record<string, string>;
  docker(...args: string[]): Promise<Result>;
  /** Stops it and all its containers. */
  stop(): Promise<void>;
}

/** Starts one and waits until it responds; needs root. */
export async function startNodeDaemon(): Promise<NodeDaemon> {
  const [daemon, client, runc] = await Promise.all([part('dockerd'), part('docker'), part('runc')]);
  // Short, because a socket's path has at most 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'mc-kind-'));
  const runtime = join(folder, 'runc');
  writeFileSync(runtime, boundedRunc(runc), { mode: 0o755 });
  const socket = `unix://${join(folder, 'sock')}`;
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'a');
  const args = [
    ...['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'pid'), '--host', socket, '--log-level=warn'],
    // The nodes' network remains: a bridge with this machine as its gateway. It adds no rules, so none are left behind.
    ...['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'],
    ...(mayRaiseLimits() ? [] : ['--add-runtime', `bounded=${runtime}`, '--default-runtime', 'bounded']),
  ];
  const child = spawn(daemon, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const end = (): boolean => child.kill('SIGTERM');
  process.once('exit', end);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const env = { DOCKER_HOST: socket };
  const config = ['--config', join(folder, 'config')];
  const docker = async (...rest: string[]): Promise<Result> =>
    await tryRun(client, [...config, ...rest], { env });
  const stop = async (): Promise<void> => {
    await removeContainers(docker);
    end();
    await gone;
    process.off('exit', end);
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };
  for (let tries = 0; tries < 240 && child.exitCode === null; tries++) {
    if ((await docker('version')).code === 0) return { env, docker, stop };
    await sleep(250);
  }
  const written = readFileSync(logFile, 'utf8');
  await stop();
  throw new Error(`start docker daemon: it does not answer\n${written}`);
}

/** Including their volumes and networks: a bridge outlives its daemon. */
async function removeContainers(docker: NodeDaemon['docker']): Promise<void> {
  const { stdout } = await docker('ps', '--all', '--quiet');
  const containers = stdout.split('\n').filter(Boolean);
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers);
  await docker('network', 'prune', '--force');
}

/**
 * runc for a machine with limited capabilities, as CI's containers: with `--privileged`, which kind's nodes use, Docker
 * 20.10 requests every capability that the kernel knows, and runc fails on one that it cannot get.
 */
function boundedRunc(runc: string): string {
  return `#!/bin/sh
config=
previous=
for argument in "$@"; do
  case $previous in
    --bundle | -b) config=$argument/config.json ;;
    --process | -p) config=$argument ;;
  esac
  case $argument in
    --bundle=*) config=\${argument#*=}/config.json ;;
    --process=*) config=\${argument#*=} ;;
  esac
  previous=$argument
done
if [ -f "$config" ]; then
  sed -i 's/"CAP_SYS_RESOURCE",\\?//g; s/,\\]/]/g' "$config"
fi
exec ${runc} "$@"
`;
}

/** Whether root on this machine can get CAP_SYS_RESOURCE, number 24 of capabilities(7). */
function mayRaiseLimits(): boolean {
  const bound = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 'f';
  return ((BigInt(`0x${bound}`) >> 24n) & 1n) === 1n;
}
