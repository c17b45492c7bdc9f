import { randomBytes } from 'node:crypto';
import { rm, stat, utimes, writeFile } from 'node:fs/promises';
import { isAlive } from '../files/atomic.ts';

/** Separates a file's name from the id of the process that reads it. */
const mark = '.use-';

/**
 * Marks a file of the store as in use: updates its access time (mounts are often noatime), and `prune` skips it until
 * the returned function is called. Failures are ignored: a read-only store can still be read.
 */
export async function markInUse(path: string): Promise<() => Promise<void>> {
  const name = `${path}${mark}${process.pid}-${randomBytes(4).toString('hex')}`;
  await writeFile(name, '', { mode: 0o600, flag: 'wx' }).catch(() => undefined);
  await touch(path);
  return () => rm(name, { force: true }).catch(() => undefined);
}

/** Sets a file's access time to now and keeps its modification time. A failure is harmless. */
export async function touch(path: string): Promise<void> {
  const mtime = (await stat(path).catch(() => undefined))?.mtime;
  if (mtime !== undefined) await utimes(path, new Date(), mtime).catch(() => undefined);
}

/** Parses a mark's file name; undefined for any other name. */
export function readMark(name: string): { of: string; live: boolean } | undefined {
  const match = /^(.+)\.use-(\d+)-[0-9a-f]{8}$/.exec(name);
  return match?.[1] === undefined ? undefined : { of: match[1], live: isAlive(Number(match[2])) };
}
