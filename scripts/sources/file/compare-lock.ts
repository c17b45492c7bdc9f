import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { ModelcarsError, stopIfAborted } from '../../errors.ts';
import { readChunk } from '../../files/read.ts';
import { streamHash } from '../../hashing/stream-hash.ts';
import { recycle, streamBufferSize } from '../../memory/stream-buffers.ts';
import type { LockedFile } from '../../model/types.ts';
import { plain } from '../../text/format.ts';
import type { HashMemory } from '../types.ts';
import { notLocked, openLocked } from './open-locked.ts';

/**
 * Compares a file of a `file:` source with the lock without reading it: by size and, where `memory` has these stats, by
 * hash. False when that does not settle it. Fails with code `integrity` when the file differs.
 */
export async function compareWithLock(
  directory: string,
  uri: string,
  file: LockedFile,
  memory: HashMemory,
): Promise<boolean> {
  const handle = await openLocked(directory, uri, file);
  try {
    const stats = await handle.stat({ bigint: true });
    return await compare(uri, file, stats, memory);
  } finally {
    await handle.close();
  }
}

/** The same, reading the file where `memory` does not have it. */
export async function proveLocked(
  directory: string,
  uri: string,
  file: LockedFile,
  memory: HashMemory,
  signal?: AbortSignal,
): Promise<void> {
  const handle = await openLocked(directory, uri, file);
  try {
    const stats = await handle.stat({ bigint: true });
    if (await compare(uri, file, stats, memory)) return;
    const sha256 = await hash(handle, file.size, signal);
    const after = await handle.stat({ bigint: true });
    const moved =
      after.size !== stats.size || after.mtimeNs !== stats.mtimeNs || after.ctimeNs !== stats.ctimeNs;
    if (moved) throw notLocked(uri, file, 'changed while it was read');
    await memory.remember(after, sha256);
    if (sha256 !== file.sha256) throw otherHash(uri, file, sha256);
  } catch (error) {
    if (error instanceof ModelcarsError) throw error;
    const problem = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new ModelcarsError('source', `read ${plain(file.path)} of ${plain(uri)}: ${problem}`, {
      next: 'check the disk',
      cause: error,
    });
  } finally {
    await handle.close();
  }
}

async function compare(
  uri: string,
  file: LockedFile,
  stats: BigIntStats,
  memory: HashMemory,
): Promise<boolean> {
  if (stats.size !== BigInt(file.size))
    throw notLocked(uri, file, `has ${stats.size} bytes, the lock has ${file.size}`);
  const known = await memory.get(stats);
  if (known !== undefined && known !== file.sha256) throw otherHash(uri, file, known);
  return known !== undefined;
}

async function hash(handle: FileHandle, size: number, signal?: AbortSignal): Promise<string> {
  const digest = streamHash(size);
  // A file that grows as fast as it is read would never end; its stats show that it changed.
  for (let at = 0; at <= size; ) {
    stopIfAborted(signal);
    const chunk = await readChunk(handle, at, streamBufferSize);
    if (chunk === undefined) break;
    at += chunk.length;
    const behind = digest.update(chunk);
    if (behind) await behind;
    recycle(chunk);
  }
  return await digest.digest();
}

function otherHash(uri: string, file: LockedFile, sha256: string): ModelcarsError {
  return notLocked(uri, file, `has sha256 ${sha256}, the lock has ${file.sha256}`);
}
