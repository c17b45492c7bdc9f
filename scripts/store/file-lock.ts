import { constants } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopIfAborted } from '../errors.ts';
import { isAlive } from '../files/atomic.ts';

/** An exclusive lock on a file. */
export interface LockHandle {
  /** Whether another process took the lock because this one stalled for too long: stop writing. */
  lost(): boolean;
  release(): Promise<void>;
}

/** Milliseconds after which an unrefreshed lock is free, and the same for an owner known to be dead. */
const staleAfter = { unknown: 10_000, dead: 2000 };
/** O_NOFOLLOW: never write through a link planted under the owner file's name. */
const ownerFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
/** Milliseconds between attempts. */
const pause = 300;

/** Loaded at the first lock: most runs take none, and it brings modules of Node that they need for nothing else. */
const lockfile = () => import('proper-lockfile');

/**
 * Waits for the lock on `path`, or until `isDone` reports that nothing is left to write: then it returns undefined.
 * `onWait` is called once, when another process holds the lock. Rejects with the signal's reason on abort.
 */
export async function waitForLock(
  path: string,
  options: { isDone(): Promise<boolean>; onWait?(): void; signal?: AbortSignal | undefined },
): Promise<LockHandle | undefined> {
  const { isDone, onWait, signal } = options;
  for (let tries = 0; ; tries++) {
    stopIfAborted(signal);
    const held = await tryLock(path);
    if (await isDone()) {
      await held?.release();
      return undefined;
    }
    if (held !== undefined) return held;
    if (tries === 0) onWait?.();
    await sleep(pause);
  }
}

/**
 * Takes the lock if it is free now. A killed process's lock expires after two seconds, or ten if it ran on another
 * machine.
 */
export async function tryLock(path: string): Promise<LockHandle | undefined> {
  const owner = `${path}.owner`;
  let lost = false;
  try {
    const { lock } = await lockfile();
    const release = await lock(path, {
      lockfilePath: `${path}.lock`,
      realpath: false,
      stale: (await isDead(owner)) ? staleAfter.dead : staleAfter.unknown,
      update: 1000,
      onCompromised: () => {
        lost = true;
      },
    });
    await writeFile(owner, `${process.pid} ${hostname()}`, { mode: 0o600, flag: ownerFlags }).catch(
      () => undefined,
    );
    return {
      lost: () => lost,
      release: async () => {
        if (lost) return;
        await rm(owner, { force: true }).catch(() => undefined);
        await release().catch(() => undefined);
      },
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ELOCKED') return undefined;
    throw error;
  }
}

/** Whether a living process holds the lock on `path`. */
export async function isLocked(path: string): Promise<boolean> {
  const { check } = await lockfile();
  return await check(path, { lockfilePath: `${path}.lock`, realpath: false, stale: staleAfter.unknown });
}

/** Whether the lock's last owner was a process of this machine that has ended. */
async function isDead(owner: string): Promise<boolean> {
  const text = await readFile(owner, 'utf8').catch(() => '');
  const [pid, host] = text.split(' ');
  return host === hostname() && /^\d+$/.test(pid ?? '') && !isAlive(Number(pid));
}
