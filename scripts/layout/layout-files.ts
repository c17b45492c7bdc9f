import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import { diskError } from '../files/atomic.ts';

/**
 * Opens a file of a layout. Another user's folder may have a named pipe, a device or a folder under a blob's name:
 * these are rejected without blocking the open. A symbolic link to a regular file is followed, since some builders
 * store blobs once and link to them; the digest check covers the bytes. `where` is the layout and `part` the file read,
 * both for errors. Fails with code `layout` or `disk`.
 */
export async function openPart(where: string, path: string, part: string): Promise<FileHandle> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw openError(where, part, error);
  }
  try {
    if ((await handle.stat()).isFile()) return handle;
  } catch (error) {
    await handle.close();
    throw openError(where, part, error);
  }
  await handle.close();
  throw new ModelcarsError('layout', `read ${where}: ${part} is not a regular file`, {
    next: 'delete the layout and build again',
  });
}

/** Reads a small file of a layout. Fails with code `layout` when it has more than `most` bytes. */
export async function readPart(where: string, path: string, part: string, most: number): Promise<Uint8Array> {
  const handle = await openPart(where, path, part);
  try {
    const bytes = await readAt(handle, 0, most + 1);
    if (bytes.length <= most) return bytes;
  } catch (error) {
    throw diskError(`read ${where}`, error);
  } finally {
    await handle.close();
  }
  throw new ModelcarsError('layout', `read ${where}: ${part} has more than ${most} bytes`, {
    next: 'pass the folder or .tar that `modelcars build` wrote',
  });
}

/** Reads at most `length` bytes from `position`; fewer at the file's end. Allocates only as bytes arrive. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size < length) {
    const chunk = new Uint8Array(Math.min(1 << 20, length - size));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position + size);
    if (bytesRead === 0) break;
    chunks.push(chunk.subarray(0, bytesRead));
    size += bytesRead;
  }
  return Buffer.concat(chunks, size);
}

function openError(where: string, part: string, cause: unknown): unknown {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const problems: Record<string, string> = {
    ENOENT: 'is missing',
    ENOTDIR: 'is missing: a part of its path is a file',
    ELOOP: 'is a broken symbolic link',
    ENXIO: 'is not a regular file',
    ENAMETOOLONG: 'has a path that is too long',
  };
  if (problems[code] === undefined) return diskError(`read ${where}: ${part}`, cause);
  return new ModelcarsError('layout', `read ${where}: ${part} ${problems[code]}`, {
    next: 'build again; the layout is not complete',
    cause,
  });
}
