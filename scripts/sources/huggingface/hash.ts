import { createHash } from 'node:crypto';
import { ModelcarsError } from '../../errors.ts';
import type { LockedFile } from '../../model/types.ts';
import type { FileTap } from '../types.ts';
import type { ListedFile } from './listing.ts';

/** Most bytes of a file that is read only to hash it; the hub keeps larger files in LFS, with their hash. */
const mostHashed = 1024 ** 3;

/**
 * The sha256 of a file stored in git itself, for which the hub has only git's hash. Reads the file once and checks it
 * against that (git's blob: the sha1, or sha256, of `blob SIZE\0` and the bytes); `tap` sees its bytes. Fails with code
 * `integrity` or `limit`.
 */
export async function hashFile(
  what: string,
  file: ListedFile,
  chunks: AsyncIterable<Uint8Array>,
  tap?: FileTap,
): Promise<LockedFile> {
  const { path, size, oid } = file;
  if (size > mostHashed) {
    throw new ModelcarsError(
      'limit',
      `${what}: it has ${size} bytes, and the hub does not know their sha256`,
      {
        next: 'track the file with git LFS, or leave it out with `exclude`',
      },
    );
  }
  const sha256 = createHash('sha256');
  const git = createHash(oid?.length === 64 ? 'sha256' : 'sha1').update(`blob ${size}\0`);
  const watcher = tap?.({ path, size });
  for await (const chunk of chunks) {
    sha256.update(chunk);
    watcher?.update(chunk);
    git.update(chunk);
  }
  const known = oid !== undefined && /^[0-9a-f]+$/.test(oid) && [40, 64].includes(oid.length);
  if (known && git.digest('hex') !== oid) {
    throw new ModelcarsError('integrity', `${what}: the bytes that came are not those the hub lists`, {
      next: 'run it again; if it fails again, a proxy on the way changes bytes',
    });
  }
  const digest = sha256.digest('hex');
  await watcher?.end(digest);
  return { path, size, sha256: digest };
}
