/** Server programs that tests start, which never outlive them. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerProcess {
  child: ChildProcess;
  /** Kills it, and waits until it has ended. */
  stop(): Promise<void>;
}

/** Starts a program with `env` and PATH, without a terminal. */
export function startProcess(
  program: string,
  args: string[],
  { env = {}, stdio = 'ignore' }: { env?: Record<string, string>; stdio?: SpawnOptions['stdio'] } = {},
): ServerProcess {
  const child = spawn(program, args, { stdio, env: { PATH: process.env.PATH, ...env } });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    child,
    async stop() {
      process.off('exit', kill);
      const isRunning = child.exitCode === null && child.signalCode === null;
      const ended = isRunning ? once(child, 'exit') : undefined;
      kill();
      await ended;
    },
  };
}

/** Waits up to 30 s until a server answers as `ask` expects; fails with `name` and what `log` returns. */
export async function answering(
  { child }: ServerProcess,
  name: string,
  ask: () => Promise<boolean>,
  log: () => string = () => '',
): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await ask().catch(() => false)) return;
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  throw new Error(`start ${name}: it does not answer\n${log()}`);
}

/** A port of this machine that no program listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
