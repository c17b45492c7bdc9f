/** Where bytes lie: on a disk, where what is written is seen, or in memory, where nobody waits for it. */
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../tests/parts/run.ts';

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

/**
 * Fills so many bytes of a folder in memory, and empties it again. The host of a virtual machine takes back what memory is free, some
 * hundred megabytes a second, and whoever gets that again pays up to 3 s a GiB for it: now one tool's registry, now another's,
 * and most of all that of a tool whose preparation took long. Fill more than will be needed, for it goes on being taken back.
 */
export async function warmMemory(folder: string, bytes: number): Promise<void> {
  const own = await mkdtemp(join(folder, 'modelcars-warm-'));
  try {
    const count = ['bs=1M', `count=${Math.ceil(bytes / 1024 ** 2)}`, 'status=none'];
    await run('dd', ['if=/dev/zero', `of=${join(own, 'bytes')}`, ...count]);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}
