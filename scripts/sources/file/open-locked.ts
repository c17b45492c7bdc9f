import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelcarsError } from '../../errors.ts';
import type { LockedFile } from '../../model/types.ts';
import { plain } from '../../text/format.ts';
import { displayPath } from '../../text/paths.ts';
import { parseFileUri } from './uri.ts';
import { isInside, systemProblem } from './walk.ts';

/** Whether a `file:` URI points at a folder. Fails with code `source` when nothing exists at it. */
export async function isFolder(uri: string, directory: string): Promise<boolean> {
  return !(await openRoot(directory, uri)).isFile;
}

/** The real path of a URI. A relative one cannot leave the catalog's folder, not even through a link. */
export async function openRoot(
  directory: string,
  uri: string,
): Promise<{ root: string; isFile: boolean; name: string }> {
  const parsed = parseFileUri(uri);
  if (!parsed.ok)
    throw sourceError(uri, `expected ${parsed.problem.expected}`, 'correct `source` in models.yaml');
  const { path, absolute } = parsed.value;
  const asked = absolute ? path : join(directory, path);
  try {
    const root = await realpath(asked);
    const home = absolute ? undefined : await realpath(directory);
    if (home !== undefined && !isInside(home, root)) {
      throw sourceError(
        uri,
        `a symbolic link leads out of the catalog's folder, to ${displayPath(root)}`,
        'copy it into that folder, or name it with `file:///absolute/path`',
      );
    }
    const stats = await stat(root);
    if (stats.isFile()) return { root, isFile: true, name: path.replace(/\/+$/, '').split('/').at(-1) ?? '' };
    if (stats.isDirectory()) return { root, isFile: false, name: '' };
    throw sourceError(uri, 'it is neither a file nor a folder', 'name a regular file or a folder');
  } catch (error) {
    if (error instanceof ModelcarsError) throw error;
    throw sourceError(
      uri,
      `${displayPath(asked)}: ${systemProblem(error)}`,
      'correct `source` in models.yaml',
      error,
    );
  }
}

/**
 * Opens a file of a locked `file:` source; fails with code `integrity` when it is gone, and `source` when it cannot be
 * read.
 */
export async function openLocked(directory: string, uri: string, file: LockedFile): Promise<FileHandle> {
  const { root, isFile } = await openRoot(directory, uri);
  let handle: FileHandle | undefined;
  try {
    const real = isFile ? root : await realpath(join(root, file.path));
    if (!isInside(root, real)) {
      throw sourceError(
        uri,
        `${plain(file.path)} is a symbolic link out of the source, to ${displayPath(real)}`,
        'copy the file into the source',
      );
    }
    handle = await openRegular(real);
    if ((await placeOf(handle, real)) !== real)
      throw notLocked(uri, file, 'was replaced by a link while it was opened');
    if ((await handle.stat()).isFile()) return handle;
    throw notLocked(uri, file, 'is no longer a regular file');
  } catch (error) {
    await handle?.close();
    if (error instanceof ModelcarsError) throw error;
    const gone =
      error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    if (gone) throw notLocked(uri, file, 'is in the lock, but no longer exists', error);
    throw sourceError(
      uri,
      `${plain(file.path)}: ${systemProblem(error)}`,
      'check the permissions of the file',
      error,
    );
  }
}

/** Non-blocking: opening a named pipe that replaced the file would wait forever. */
export function openRegular(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
}

/**
 * The real path of an open file. After the path was checked, a folder on it may have become a link to a target that
 * this process can read but the catalog's author cannot.
 */
export async function placeOf(handle: FileHandle, path: string): Promise<string> {
  return await readlink(`/proc/self/fd/${handle.fd}`).catch(() => realpath(path));
}

/** The error for a file that differs from the lock; `problem` completes "it …". */
export function notLocked(uri: string, file: LockedFile, problem: string, cause?: unknown): ModelcarsError {
  const name = file.source === undefined ? `${plain(file.path)} of ${plain(uri)}` : plain(uri);
  return new ModelcarsError('integrity', `read ${name}: it ${problem}`, {
    next: 'run `modelcars lock` if the change is meant',
    cause,
  });
}

/** The error for a source that cannot be read. */
export function sourceError(uri: string, problem: string, next: string, cause?: unknown): ModelcarsError {
  return new ModelcarsError('source', `read ${plain(uri)}: ${problem}`, { next, cause });
}
