import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ModelcarsError } from '../errors.ts';

/** Prefix of files still being written. A file with this prefix whose process died is swept. */
export const temporaryPrefix = '.modelcars-tmp-';

/**
 * Lets `fill` write a file that appears under its final path only when complete: temporary name in the same folder,
 * fsync (unless not `durable`), rename. `fill` returns the final path, which may depend on the content. Removes the
 * temporary file on any failure.
 */
export async function writeAtomically(
  folder: string,
  fill: (handle: FileHandle) => Promise<string>,
  mode = 0o644,
  durable = true,
): Promise<string> {
  const temporary = join(folder, `${temporaryPrefix}${process.pid}-${randomBytes(6).toString('hex')}`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx', mode);
    const path = await fill(handle);
    if (durable) await handle.datasync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
    return path;
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw pathError(`write ${folder}`, error);
  }
}

/**
 * Makes a rename durable: on Linux the folder itself needs an fsync. A failure is harmless where folders cannot be
 * synced.
 */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Turns a file system error into a message for users; returns any other error unchanged. */
export function diskError(what: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const means: Record<string, [string, string]> = {
    ENOSPC: [
      'no space is left on the device',
      'free some space, or choose another folder with --output or --store',
    ],
    EDQUOT: [
      'the disk quota is used up',
      'free some space, or choose another folder with --output or --store',
    ],
    EACCES: ['permission denied', 'choose a folder you may write to with --output or --store'],
    EPERM: ['operation not permitted', 'choose a folder you may write to with --output or --store'],
    EROFS: ['the file system is read-only', 'choose a folder you may write to with --output or --store'],
    ENOTDIR: ['a part of the path is a file, not a folder', 'choose another folder with --output or --store'],
    EEXIST: ['a file is in the way', 'move it, or choose another folder with --output or --store'],
    EFBIG: ['the file is larger than the file system takes', 'choose a folder on another file system'],
    EMFILE: ['too many files are open', 'raise the limit (`ulimit -n 1024`), or lower --concurrency'],
    ENFILE: ['too many files are open on this machine', 'close other programs'],
    EIO: ['the disk reports an input/output error', 'check the disk'],
  };
  return told(what, error, means[code]);
}

/**
 * Like `diskError`, plus missing and impossible paths: for a path that this process made or was given, where no hostile
 * input chose the name.
 */
export function pathError(what: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const means: Record<string, [string, string]> = {
    ENOENT: [
      'the folder does not exist, or was deleted meanwhile',
      'check the path, and run the same command again',
    ],
    EISDIR: ['a folder is in the way', 'move it, or choose another folder with --output or --store'],
    ELOOP: ['symbolic links go in a circle', 'choose another folder with --output or --store'],
    ENAMETOOLONG: ['the path is too long', 'choose another folder with --output or --store'],
  };
  return means[code] === undefined ? diskError(what, error) : told(what, error, means[code]);
}

function told(what: string, error: unknown, known: [string, string] | undefined): unknown {
  if (known === undefined) return error;
  return new ModelcarsError('disk', `${what}: ${known[0]}`, { next: known[1], cause: error });
}

/** Writes a whole chunk: a single write to a file may be partial. */
export async function writeAll(
  handle: FileHandle,
  chunk: Uint8Array,
  position: number | null = null,
): Promise<void> {
  for (let at = 0; at < chunk.length; ) {
    const { bytesWritten } = await handle.write(
      chunk,
      at,
      chunk.length - at,
      position === null ? null : position + at,
    );
    at += bytesWritten;
  }
}

/** Replaces a small text file in one rename. */
export async function writeTextAtomically(path: string, text: string, mode = 0o644): Promise<void> {
  await writeAtomically(
    dirname(path),
    async (handle) => {
      await handle.writeFile(text);
      return path;
    },
    mode,
  );
  await syncFolder(dirname(path));
}

/**
 * The same without waiting for the disk, for a record with a checksum of its own: after a power cut it may be missing or
 * damaged, which its reader notices. Thousands of records would otherwise wait for thousands of disk writes.
 */
export async function writeRecord(path: string, text: string): Promise<void> {
  const fill = async (handle: FileHandle) => {
    await handle.writeFile(text);
    return path;
  };
  await writeAtomically(dirname(path), fill, 0o644, false);
}

/** Deletes a folder's temporary files that no living process of this machine is writing. */
export async function sweepTemporary(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = name.startsWith(temporaryPrefix)
      ? Number(name.slice(temporaryPrefix.length).split('-')[0])
      : Number.NaN;
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    await rm(join(folder, name), { force: true });
  }
}

/** Whether a process of this machine (or container) is alive. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
