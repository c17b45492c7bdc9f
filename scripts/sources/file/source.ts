import { stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import { ModelcarsError, stopIfAborted } from '../../errors.ts';
import { readChunk } from '../../files/read.ts';
import { streamHash } from '../../hashing/stream-hash.ts';
import { recycle, streamBufferSize } from '../../memory/stream-buffers.ts';
import type { LockedFile } from '../../model/types.ts';
import { plain } from '../../text/format.ts';
import { checkClashes, checkPath, compareBytes } from '../../text/paths.ts';
import { revisionOf } from '../revision.ts';
import type { FileTap, HashMemory, Source } from '../types.ts';
import { notLocked, openLocked, openRegular, openRoot, placeOf, sourceError } from './open-locked.ts';
import { systemProblem, type WalkedFile, walk } from './walk.ts';

/** Files hashed at the same time; more would only add disk seeks. */
const parallelFiles = 2;

/**
 * The source of `file:` URIs: a file, or all regular files below a folder except `.git` and `.DS_Store`. Relative
 * paths start at `directory` and stay in it. Symbolic links are followed as long as they stay inside. The revision is
 * a hash of all paths, sizes and hashes; `hashes` remembers each file's.
 */
export function fileSource(directory: string, hashes?: Pick<HashMemory, 'remember'>): Source {
  return {
    async resolve(uri, select, signal, tap) {
      const { root, isFile, name } = await openRoot(directory, uri);
      const found = isFile ? await single(root, name, uri) : await walk(root, uri, select, signal);
      const chosen = found
        .filter(({ path, stats }) => !isFile || select(path, Number(stats.size)))
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

/** Hashes a file. Fails when the file changes or is replaced during the read. */
async function hash(
  uri: string,
  { path, real, stats }: WalkedFile,
  signal: AbortSignal,
  { tap, hashes }: { tap: FileTap | undefined; hashes: Pick<HashMemory, 'remember'> | undefined },
): Promise<LockedFile> {
  stopIfAborted(signal);
  const changed = () =>
    sourceError(
      uri,
      `${plain(path)} changed while it was read`,
      'wait until nothing writes to it, then run it again',
    );
  const handle = await openRegular(real).catch((error) => {
    throw sourceError(
      uri,
      `${plain(path)}: ${systemProblem(error)}`,
      'check the permissions of the file',
      error,
    );
  });
  try {
    const before = await handle.stat({ bigint: true });
    if (before.dev !== stats.dev || before.ino !== stats.ino || !before.isFile()) throw changed();
    if ((await placeOf(handle, real)) !== real) throw changed();
    const digest = streamHash(Number(before.size));
    const watcher = tap?.({ path, size: Number(before.size) });
    let size = 0;
    for (;;) {
      stopIfAborted(signal);
      // One byte more than the file has, so that a growing one is seen. Thousands of small files would fill the heap.
      const most = Math.min(streamBufferSize, Number(before.size) - size + 1);
      const chunk = await readChunk(handle, size, most);
      if (chunk === undefined) break;
      size += chunk.length;
      // A file that grows as fast as it is read would never end.
      if (size > before.size) throw changed();
      const behind = digest.update(chunk);
      if (behind) await behind;
      watcher?.update(chunk);
      recycle(chunk);
    }
    const after = await handle.stat({ bigint: true });
    if (BigInt(size) !== before.size || after.size !== before.size || after.mtimeNs !== before.mtimeNs)
      throw changed();
    const sha256 = await digest.digest();
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
    if (size !== file.size) throw notLocked(uri, file, `has ${size} bytes, the lock has ${file.size}`);
    for (let at = offset; at < file.size; ) {
      stopIfAborted(signal);
      const chunk = await readChunk(handle, at, Math.min(streamBufferSize, file.size - at));
      if (chunk === undefined)
        throw notLocked(uri, file, `ends after ${at} bytes, the lock has ${file.size}`);
      at += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ModelcarsError) throw error;
    throw sourceError(uri, `${plain(file.path)}: ${systemProblem(error)}`, 'check the disk', error);
  } finally {
    await handle.close();
  }
}
