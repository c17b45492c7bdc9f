/** Chooses where to put files: on a disk, where writes are measured, or in memory, where they cost no waiting. */
import { lstatSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../tests/parts/run.ts';

/** Linux's in-memory file system. */
const memory = '/dev/shm';
/** statfs(2): TMPFS_MAGIC. */
const tmpfs = 0x01021994;

/** The folder for temporary files, or /var/tmp if that is in memory. */
export async function diskFolder(): Promise<string> {
  const { type } = await statfs(tmpdir());
  return type === tmpfs ? '/var/tmp' : tmpdir();
}

/** The folder to keep `bytes` bytes in memory; undefined if it lacks room for three times as many. */
export async function memoryFolder(bytes: number): Promise<string | undefined> {
  const found = await statfs(memory).catch(() => undefined);
  return found?.type === tmpfs && found.bavail * found.bsize > 3 * bytes ? memory : undefined;
}

/**
 * Fills `bytes` bytes of an in-memory folder and empties it again. The host of a virtual machine reclaims free memory,
 * some hundred megabytes a second, and using it again costs up to 3 s per GiB: sometimes in one tool's registry,
 * sometimes in another's, and most of all for a tool with a long preparation. Fill more than needed, because the host
 * goes on reclaiming.
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

/**
 * Bytes that a folder takes on its file system now, while others write to it; what is mounted below it does not count,
 * and a file with several names counts once.
 */
export function diskOf(folder: string): number {
  const seen = new Set<number>();
  let device: number | undefined;
  let sum = 0;
  const paths = [folder];
  for (const path of paths) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    device ??= found?.dev;
    if (found === undefined || found.dev !== device || seen.has(found.ino)) continue;
    seen.add(found.ino);
    sum += found.blocks * 512;
    if (found.isDirectory()) paths.push(...entriesOf(path).map((name) => join(path, name)));
  }
  return sum;
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // removed meanwhile
  }
}
