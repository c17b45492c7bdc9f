import { constants } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { check, lock } from 'proper-lockfile';
import { stopIfAborted } from '../errors.ts';
import { isAlive } from '../files/atomic.ts';

/** A file that this process alone may write. */
export interface LockHandle {
  /** Whether another process took it, because this one stood still for too long: write no more. */
  lost(): boolean;
  release(): Promise<void>;
}

/** Milliseconds after which a lock that nobody refreshes is free; and when its owner is known to be dead. */
const staleAfter = { unknown: 10_000, dead: 2000 };
/** Never through a link that someone put where the owner's name goes. */
const ownerFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
/** Milliseconds between two tries. */
const pause = 300;

/**
 * Waits until this process may write `path`, or until `isDone` says that there is nothing left to write: then it gives undefined.
 * `onWait` is called once, when another process is at it. Fails with what the signal was given.
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

/** Takes the lock if it is free now. A lock of a killed process is free two seconds after its death, ten on other machines. */
export async function tryLock(path: string): Promise<LockHandle | undefined> {
  const owner = `${path}.owner`;
  let lost = false;
  try {
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

/** Whether a living process may write `path` now. */
export async function isLocked(path: string): Promise<boolean> {
  return check(path, { lockfilePath: `${path}.lock`, realpath: false, stale: staleAfter.unknown });
}

/** Whether the lock's last owner was a process of this machine that is no more. */
async function isDead(owner: string): Promise<boolean> {
  const text = await readFile(owner, 'utf8').catch(() => '');
  const [pid, host] = text.split(' ');
  return host === hostname() && /^\d+$/.test(pid ?? '') && !isAlive(Number(pid));
}
