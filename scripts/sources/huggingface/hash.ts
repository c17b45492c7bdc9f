import { createHash } from 'node:crypto';
import { ModelcarsError } from '../../errors.ts';
import { recycle } from '../../memory/stream-buffers.ts';
import type { LockedFile } from '../../model/types.ts';
import type { FileTap } from '../types.ts';
import type { ListedFile } from './listing.ts';

/** Most bytes of a file that is read only to hash it; Hugging Face keeps larger files in LFS, with their hash. */
const mostHashed = 1024 ** 3;

/**
 * The sha256 of a file for which the hub has only git's hash: one stored in git itself, or one of a mirror that does not
 * state the hashes of LFS, of any size then. Reads the file once and checks it against git's hash, of the file or of its
 * LFS pointer (git's blob: the sha1, or sha256, of `blob SIZE\0` and the bytes); `tap` sees its bytes. Fails with code
 * `integrity` or `limit`.
 */
export async function hashFile(
  what: string,
  file: ListedFile,
  chunks: AsyncIterable<Uint8Array>,
  { tap, isMirror = false }: { tap?: FileTap | undefined; isMirror?: boolean } = {},
): Promise<LockedFile> {
  const { path, size, oid } = file;
  if (size > mostHashed && !isMirror) {
    throw new ModelcarsError(
      'limit',
      `${what}: it has ${size} bytes, and the hub does not know their sha256`,
      {
        next: 'track the file with git LFS, or leave it out with `exclude`',
      },
    );
  }
  const sha256 = createHash('sha256');
  const gitHash = (bytes: number) =>
    createHash(oid?.length === 64 ? 'sha256' : 'sha1').update(`blob ${bytes}\0`);
  const git = gitHash(size);
  const watcher = tap?.({ path, size });
  for await (const chunk of chunks) {
    sha256.update(chunk);
    watcher?.update(chunk);
    git.update(chunk);
    recycle(chunk);
  }
  const digest = sha256.digest('hex');
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${digest}\nsize ${size}\n`;
  const isPointer = () => gitHash(pointer.length).update(pointer).digest('hex') === oid;
  const known = oid !== undefined && /^[0-9a-f]+$/.test(oid) && [40, 64].includes(oid.length);
  if (known && git.digest('hex') !== oid && !isPointer()) {
    throw new ModelcarsError('integrity', `${what}: the bytes that came are not those the hub lists`, {
      next: 'run it again; if it fails again, a proxy on the way changes bytes',
    });
  }
  await watcher?.end(digest);
  return { path, size, sha256: digest };
}
