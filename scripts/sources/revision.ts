import { createHash } from 'node:crypto';
import type { LockedFile } from '../model/types.ts';

/** The revision of a source that has no revisions: a hash of all paths, sizes and hashes, sorted by path. */
export function revisionOf(files: readonly LockedFile[]): string {
  const digest = createHash('sha256');
  for (const { path, size, sha256 } of files) digest.update(`${sha256} ${size} ${path}\n`);
  return `sha256:${digest.digest('hex')}`;
}
