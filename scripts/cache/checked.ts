import { createHash } from 'node:crypto';
import { ModelcarsError } from '../errors.ts';
import type { LockedFile } from '../model/types.ts';
import { plain } from '../text/format.ts';

/**
 * Passes a file's bytes on and fails before the last chunk when they do not match its size and SHA-256: a writer never
 * receives all of a corrupt file. `from` is the URI they come from, for the error.
 */
export async function* checked(
  bytes: AsyncIterable<Uint8Array>,
  file: LockedFile,
  from: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let size = 0;
  // An empty file has no last chunk: check it at the end.
  const check = () => {
    const actual = hash.digest('hex');
    if (actual !== file.sha256)
      throw wrong(file, from, `has sha256 ${actual}, and ${file.sha256} was promised`);
  };
  for await (const chunk of bytes) {
    signal?.throwIfAborted();
    if (chunk.length === 0) continue;
    size += chunk.length;
    if (size > file.size) throw wrong(file, from, `has more than the ${file.size} bytes promised`);
    hash.update(chunk);
    if (size === file.size) check();
    yield chunk;
  }
  if (size < file.size) throw wrong(file, from, `ended after ${size} of ${file.size} bytes`);
  if (file.size === 0) check();
}

function wrong({ path }: LockedFile, from: string, problem: string): ModelcarsError {
  return new ModelcarsError('integrity', `read ${plain(path)} of ${plain(from)}: it ${problem}`, {
    next: 'run it again; if it fails again, something on the way changes bytes, or the lock is no longer true',
  });
}
