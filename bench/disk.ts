/** A place whose bytes are on a disk, so that what is written there is seen. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';

/** statfs(2): TMPFS_MAGIC. */
const tmpfs = 0x01021994;

/** The folder for temporary files, or /var/tmp where that is memory. */
export async function diskFolder(): Promise<string> {
  const { type } = await statfs(tmpdir());
  return type === tmpfs ? '/var/tmp' : tmpdir();
}
