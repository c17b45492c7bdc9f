import pLimit from 'p-limit';
import { stopIfAborted } from '../../errors.ts';
import type { LockedFile } from '../../model/types.ts';
import { revisionOf } from '../revision.ts';
import type { Snapshot } from '../types.ts';

/** Objects hashed at the same time. */
const parallelObjects = 4;

/** The files of a store without revisions, with their hashes, a few at a time; the first failure stops the others. */
export async function hashAll<T extends { path: string; size: number }>(
  found: readonly T[],
  hashOf: (object: T, signal: AbortSignal) => Promise<string>,
  signal?: AbortSignal,
): Promise<Snapshot> {
  const limit = pLimit(parallelObjects);
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const hashing = found.map((object) =>
    limit(async (): Promise<LockedFile> => {
      stopIfAborted(either);
      return { path: object.path, size: object.size, sha256: await hashOf(object, either) };
    }),
  );
  try {
    const files = await Promise.all(hashing);
    return { revision: revisionOf(files), files };
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(hashing);
    throw error;
  }
}
