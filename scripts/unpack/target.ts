import { createHash } from 'node:crypto';
import { lstat, readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import { pathError } from '../files/atomic.ts';
import { readFrom } from '../files/read.ts';
import { recycle } from '../memory/stream-buffers.ts';

/** A file as it should be. */
export interface WantedFile {
  /** Below the folder. */
  path: string;
  /** Bytes. */
  size: number;
  sha256: string;
}

/**
 * Whether a folder can be written: `new` if it is missing or empty, `same` if it has exactly the files in `wanted`
 * already (undefined: not known yet), otherwise `other`. Fails with code `disk` for what is no folder, or a mount point.
 */
export async function examineTarget(
  target: string,
  wanted: readonly WantedFile[] | undefined,
  signal: AbortSignal,
): Promise<'new' | 'same' | 'other'> {
  try {
    const found = await lstat(target).catch(() => undefined);
    if (found === undefined) return 'new';
    if (!found.isDirectory())
      throw new ModelcarsError(
        'disk',
        `write ${target}: it is ${found.isSymbolicLink() ? 'a link' : 'a file'}`,
        {
          next: 'choose another folder with --output',
        },
      );
    const names = await readdir(target);
    const above = await stat(dirname(target));
    if (above.dev !== found.dev)
      throw new ModelcarsError('disk', `write ${target}: a file system is mounted there`, {
        next: `pull into a folder below it: --output ${join(target, 'model')}`,
      });
    if (names.length === 0) return 'new';
    return wanted !== undefined && (await hasExactly(target, wanted, signal)) ? 'same' : 'other';
  } catch (error) {
    throw pathError(`write ${target}`, error);
  }
}

/** Fails with code `usage` for a folder whose replacement would delete more than a model. */
export function checkReplaceable(target: string): void {
  const holds = (path: string) => !relative(target, path).startsWith('..');
  if (!holds(process.cwd()) && !holds(homedir())) return;
  throw new ModelcarsError('usage', `replace ${target}: the current folder or your home is in it`, {
    next: 'name a folder of its own with --output',
  });
}

async function hasExactly(
  target: string,
  wanted: readonly WantedFile[],
  signal: AbortSignal,
): Promise<boolean> {
  const left = new Map(wanted.map((file) => [file.path, file]));
  const found: WantedFile[] = [];
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(join(target, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        folders.push(path);
        continue;
      }
      const file = left.get(path);
      if (!entry.isFile() || file === undefined) return false;
      if ((await stat(join(target, path))).size !== file.size) return false;
      left.delete(path);
      found.push(file);
    }
  }
  if (left.size > 0) return false;
  for (const { path, sha256 } of found)
    if ((await sha256Of(join(target, path), signal)) !== sha256) return false;
  return true;
}

/** The SHA-256 of a file, as 64 hexadecimal digits. */
export async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readFrom(path, 0, signal)) {
    hash.update(chunk);
    recycle(chunk);
  }
  return hash.digest('hex');
}
