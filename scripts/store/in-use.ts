import { randomBytes } from 'node:crypto';
import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import { isAlive } from '../files/atomic.ts';

/** Between a file's name and the process that reads it. */
const mark = '.use-';

/**
 * Marks a file of the store as used now: its access time moves (mounts are often noatime), and until the returned function is
 * called `prune` leaves it alone. A read-only store can still be read.
 */
export async function markInUse(path: string): Promise<() => Promise<void>> {
  const name = `${path}${mark}${process.pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(name, '', { mode: 0o600, flag: 'wx' }).catch(() => undefined);
  await touch(path);
  return () => rm(name, { force: true }).catch(() => undefined);
}

/** Moves the access time of a file to now, the modification time stays. Failing is harmless. */
export async function touch(path: string): Promise<void> {
  const mtime = (await stat(path).catch(() => undefined))?.mtime;
  if (mtime !== undefined) await utimes(path, new Date(), mtime).catch(() => undefined);
}

/** A mark's file name taken apart; undefined for any other name. */
export function readMark(name: string): { of: string; live: boolean } | undefined {
  const match = /^(.+)\.use-(\d+)-[0-9a-f]{8}$/.exec(name);
  return match?.[1] === undefined ? undefined : { of: match[1], live: isAlive(Number(match[2])) };
}
