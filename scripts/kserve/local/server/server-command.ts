import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The command that starts a model server; `env` is added to the basic environment (PATH, HOME). */
export interface ServerCommand {
  argv: [string, ...string[]];
  env: Record<string, string>;
}

/** The result of waiting for a server. */
export type Readiness = 'ready' | 'ended' | 'late';

/** Milliseconds between two polls. */
const pause = 250;
/** Number of bytes read from the end of a log. */
const logEnd = 64 * 1024;

/**
 * Polls `paths` below `url` until one returns 200, the server has `ended`, or `seconds` pass. Rejects when `signal`
 * aborts.
 */
export async function waitReady(
  ended: () => boolean | Promise<boolean>,
  url: string,
  paths: readonly string[],
  { seconds, signal }: { seconds: number; signal: AbortSignal },
): Promise<Readiness> {
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until) {
    if (await ended()) return 'ended';
    for (const path of paths) {
      const patience = AbortSignal.any([signal, AbortSignal.timeout(5000)]);
      const response = await fetch(`${url}${path}`, { signal: patience }).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.status === 200) return 'ready';
    }
    await sleep(pause, undefined, { signal });
  }
  return 'late';
}

/** The last lines of a log file, without empty ones. */
export async function lastLines(file: string): Promise<string[]> {
  await using handle = await open(file, 'r');
  const { size } = await handle.stat();
  const bytes = Buffer.alloc(Math.min(size, logEnd));
  await handle.read(bytes, 0, bytes.length, size - bytes.length);
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

/** Distinct free ports of the loopback interface; another program may still take one first. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(async (server) => await once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    return address !== null && typeof address === 'object' ? address.port : 0;
  });
  await Promise.all(servers.map(async (server) => await once(server.close(), 'close')));
  return ports;
}
