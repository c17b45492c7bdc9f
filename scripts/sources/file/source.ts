import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { ModelcarsError, stopIfAborted } from '../../errors.ts';
import { bufferRing } from '../../files/buffers.ts';
import type { LockedFile } from '../../model/types.ts';
import { plain } from '../../text/format.ts';
import { checkClashes, checkPath, compareBytes, displayPath } from '../../text/paths.ts';
import { revisionOf } from '../revision.ts';
import type { FileTap, Source } from '../types.ts';
import { parseFileUri } from '../uri.ts';
import type { HashMemory } from './compare-lock.ts';
import { isInside, systemProblem, type WalkedFile, walk } from './walk.ts';

/** Bytes read at once. Half of it costs a push a twentieth of its time, twice of it nothing less. */
const chunkSize = 1024 * 1024;
/** Files hashed at once: more only makes the disk seek. */
const parallelFiles = 2;

/**
 * The source of `file:` URIs: a file, or all regular files below a folder but `.git` and `.DS_Store`. Relative
 * paths start at `directory` and stay in it. Symbolic links are followed as long as they stay inside. The revision is
 * a hash of all paths, sizes and hashes; `hashes` is given each file's.
 */
export function fileSource(directory: string, hashes?: Pick<HashMemory, 'remember'>): Source {
  return {
    async resolve(uri, select, signal, tap) {
      const { root, isFile, name } = await openRoot(directory, uri);
      const found = isFile ? await single(root, name, uri) : await walk(root, uri, select, signal);
      const chosen = found
        .filter(({ path }) => !isFile || select(path))
        .sort((a, b) => compareBytes(a.path, b.path));
      check(uri, chosen);
      const limit = pLimit(parallelFiles);
      const stop = new AbortController();
      const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
      const hashing = chosen.map((file) => limit(() => hash(uri, file, either, { tap, hashes })));
      try {
        const files = await Promise.all(hashing);
        return { revision: revisionOf(files), files };
      } catch (error) {
        stop.abort(error);
        await Promise.allSettled(hashing);
        throw error;
      }
    },
    open: (uri, _revision, file, offset = 0, signal) => read(directory, uri, file, offset, signal),
  } satisfies Source;
}

/** Whether a URI is a `file:` one and names a folder. Fails with code `source` when there is nothing. */
export async function isFolder(uri: string, directory: string): Promise<boolean> {
  return uri.startsWith('file:') && !(await openRoot(directory, uri)).isFile;
}

/** The real path of what a URI names. A relative one may not leave the catalog's folder by a link either. */
async function openRoot(
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
        'copy the file there, or name it with `file:///absolute/path`',
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

async function single(root: string, path: string, uri: string): Promise<WalkedFile[]> {
  const stats = await stat(root, { bigint: true }).catch((error) => {
    throw sourceError(uri, systemProblem(error), 'check the file', error);
  });
  return [{ path, real: root, stats }];
}

function check(uri: string, found: readonly WalkedFile[]): void {
  for (const { path } of found) {
    const problem = checkPath(path);
    if (problem)
      throw sourceError(
        uri,
        `the path ${plain(path)} ${problem}`,
        'rename it, or leave it out with `exclude`',
      );
  }
  const [clash] = checkClashes(found.map(({ path }) => path));
  if (clash === undefined) return;
  const { first, second, why } = clash;
  throw sourceError(
    uri,
    `${plain(first)} and ${plain(second)} ${why}`,
    'leave one of them out with `exclude`',
  );
}

/** SHA-256 of a file, and proof that it was the same file from first to last byte. */
async function hash(
  uri: string,
  { path, real, stats }: WalkedFile,
  signal: AbortSignal,
  { tap, hashes }: { tap: FileTap | undefined; hashes: Pick<HashMemory, 'remember'> | undefined },
): Promise<LockedFile> {
  stopIfAborted(signal);
  const digest = createHash('sha256');
  const changed = () =>
    sourceError(
      uri,
      `${plain(path)} changed while it was read`,
      'wait until nothing writes to it, then run it again',
    );
  const handle = await openRegular(real).catch((error) => {
    throw sourceError(uri, `${plain(path)}: ${systemProblem(error)}`, 'check who may read the file', error);
  });
  try {
    const before = await handle.stat({ bigint: true });
    if (before.dev !== stats.dev || before.ino !== stats.ino || !before.isFile()) throw changed();
    if ((await placeOf(handle, real)) !== real) throw changed();
    const watcher = tap?.({ path, size: Number(before.size) });
    const buffer = Buffer.allocUnsafe(chunkSize);
    let size = 0;
    for (;;) {
      stopIfAborted(signal);
      const { bytesRead } = await handle.read(buffer, 0, chunkSize, size);
      if (bytesRead === 0) break;
      size += bytesRead;
      // One that grows as fast as it is read has no end.
      if (size > before.size) throw changed();
      digest.update(buffer.subarray(0, bytesRead));
      watcher?.update(buffer.subarray(0, bytesRead));
    }
    const after = await handle.stat({ bigint: true });
    if (BigInt(size) !== before.size || after.size !== before.size || after.mtimeNs !== before.mtimeNs)
      throw changed();
    const sha256 = digest.digest('hex');
    await watcher?.end(sha256);
    if (after.ctimeNs === before.ctimeNs) await hashes?.remember(after, sha256);
    return { path, size, sha256 };
  } catch (error) {
    if (error instanceof ModelcarsError) throw error;
    throw sourceError(uri, `${plain(path)}: ${systemProblem(error)}`, 'check the disk', error);
  } finally {
    await handle.close();
  }
}

async function* read(
  directory: string,
  uri: string,
  file: LockedFile,
  offset: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  stopIfAborted(signal);
  const handle = await openLocked(directory, uri, file);
  try {
    const { size } = await handle.stat();
    if (size !== file.size) throw notLocked(uri, file, `has ${size} bytes, the lock says ${file.size}`);
    const nextBuffer = bufferRing(Math.min(chunkSize, file.size - offset));
    for (let at = offset; at < file.size; ) {
      stopIfAborted(signal);
      const wanted = Math.min(chunkSize, file.size - at);
      const { bytesRead, buffer } = await handle.read(nextBuffer(), 0, wanted, at);
      if (bytesRead === 0) throw notLocked(uri, file, `ends after ${at} bytes, the lock says ${file.size}`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    if (error instanceof ModelcarsError) throw error;
    throw sourceError(uri, `${plain(file.path)}: ${systemProblem(error)}`, 'check the disk', error);
  } finally {
    await handle.close();
  }
}

/** Opens a file of a locked `file:` source; fails with code `integrity` when it is gone, and `source` when it cannot be read. */
export async function openLocked(directory: string, uri: string, file: LockedFile): Promise<FileHandle> {
  const { root, isFile } = await openRoot(directory, uri);
  let handle: FileHandle | undefined;
  try {
    const real = isFile ? root : await realpath(join(root, file.path));
    if (!isInside(root, real)) {
      throw sourceError(
        uri,
        `${plain(file.path)} is a symbolic link out of the source, to ${displayPath(real)}`,
        'copy the file there',
      );
    }
    handle = await openRegular(real);
    if ((await placeOf(handle, real)) !== real)
      throw notLocked(uri, file, 'was replaced by a link while it was opened');
    if ((await handle.stat()).isFile()) return handle;
    throw notLocked(uri, file, 'is no regular file any more');
  } catch (error) {
    await handle?.close();
    if (error instanceof ModelcarsError) throw error;
    const gone =
      error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    if (gone) throw notLocked(uri, file, 'is in the lock, but not there any more', error);
    throw sourceError(
      uri,
      `${plain(file.path)}: ${systemProblem(error)}`,
      'check who may read the file',
      error,
    );
  }
}

/** Never waits: a named pipe put there since would block a plain open for ever. */
function openRegular(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
}

/**
 * Where an open file lies, free of links. A folder on the way to it may have become a link to another place after its path was
 * checked, and what lies there may be readable to this process and not to the author of the link.
 */
async function placeOf(handle: FileHandle, path: string): Promise<string> {
  return await readlink(`/proc/self/fd/${handle.fd}`).catch(() => realpath(path));
}

/** The error of a file that is not what the lock says; `problem` completes "it …". */
export function notLocked(uri: string, file: LockedFile, problem: string, cause?: unknown): ModelcarsError {
  const name = file.source === undefined ? `${plain(file.path)} of ${plain(uri)}` : plain(uri);
  return new ModelcarsError('integrity', `read ${name}: it ${problem}`, {
    next: 'run `modelcars lock` if the change is meant',
    cause,
  });
}

function sourceError(uri: string, problem: string, next: string, cause?: unknown): ModelcarsError {
  return new ModelcarsError('source', `read ${plain(uri)}: ${problem}`, { next, cause });
}
