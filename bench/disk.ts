/** Where bytes lie: on a disk, where what is written is seen, or in memory, where nobody waits for it. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';

/** Where Linux has memory for files. */
const memory = '/dev/shm';
/** statfs(2): TMPFS_MAGIC. */
const tmpfs = 0x01021994;

/** The folder for temporary files, or /var/tmp where that is memory. */
export async function diskFolder(): Promise<string> {
  const { type } = await statfs(tmpdir());
  return type === tmpfs ? '/var/tmp' : tmpdir();
}

/** The folder for so many bytes that are to be kept in memory; undefined where it has no room for three times as many. */
export async function memoryFolder(bytes: number): Promise<string | undefined> {
  const found = await statfs(memory).catch(() => undefined);
  return found?.type === tmpfs && found.bavail * found.bsize > 3 * bytes ? memory : undefined;
}
