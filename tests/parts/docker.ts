/** A private Docker daemon for a test: separate socket, storage and containerd, no bridge and no firewall rules. */

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { part } from './parts.ts';
import { type Result, tryRun } from './run.ts';

export interface Docker extends AsyncDisposable {
  /** Runs `docker ARGS…` against the daemon. */
  docker(...args: string[]): Promise<Result>;
}

/** Starts one and waits until it responds; needs root. */
export async function startDocker(): Promise<Docker> {
  const daemon = await part('dockerd');
  const client = await part('docker');
  // Short, because a socket's path has at most 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'mc-docker-'));
  const socket = `unix://${join(folder, 'sock')}`;
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'a');
  const places = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')];
  const net = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false'];
  const args = [...places, ...net, '--pidfile', join(folder, 'pid'), '--host', socket, '--log-level=warn'];
  const child = spawn(daemon, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const stop = (): boolean => child.kill('SIGTERM');
  process.once('exit', stop);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const docker = async (...rest: string[]): Promise<Result> =>
    await tryRun(client, ['--host', socket, '--config', join(folder, 'config'), ...rest]);
  const dispose = async (): Promise<void> => {
    stop();
    await gone;
    process.off('exit', stop);
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  };
  for (let tries = 0; tries < 120 && child.exitCode === null; tries++) {
    if ((await docker('version')).code === 0) return { docker, [Symbol.asyncDispose]: dispose };
    await sleep(250);
  }
  const written = readFileSync(logFile, 'utf8');
  await dispose();
  throw new Error(`start docker daemon: it does not answer\n${written}`);
}
