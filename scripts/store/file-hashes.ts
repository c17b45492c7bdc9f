import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { writeTextAtomically } from '../files/atomic.ts';
import { makeFolder } from '../files/folder.ts';
import { touch } from './in-use.ts';
import { readOwn } from './trust.ts';

/**
 * Milliseconds that must pass after a file's last change before its hash is recorded: some clocks tick only every 2 s
 * (FAT).
 */
const settledAfter = 2000;
/** Minimum size in bytes: a smaller file is hashed faster than its record is written. */
export const leastRemembered = 1024 ** 2;
const leastBytes = BigInt(leastRemembered);
/** Upper bound of a record's size, in bytes. */
const mostBytes = 1024;

const record = z.object({
  size: z.string(),
  mtimeNs: z.string(),
  ctimeNs: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/**
 * SHA-256 of files hashed on this machine before, by device, inode, size, mtime and ctime. A write to a file moves its
 * ctime, which no program can set, so an unchanged record means unchanged bytes. A file that changed less than 2 s ago
 * is not recorded: a further change could carry the same time (git calls such an index entry racy). Nor is a file under
 * 1 MiB.
 */
export class FileHashes {
  readonly #folder: string;
  readonly #trusted: boolean;

  /** `folder` is the store's; if it is not `trusted` (see trust.ts), nothing is read or written. */
  constructor(folder: string, { trusted }: { trusted: boolean } = { trusted: true }) {
    this.#folder = join(folder, 'hashes');
    this.#trusted = trusted;
  }

  /** The SHA-256 of the file with these stats; undefined when it was not hashed here or has changed since. */
  async get(stats: BigIntStats): Promise<string | undefined> {
    const path = this.#path(stats);
    const worthIt = this.#trusted && stats.size >= leastBytes;
    const text = worthIt ? await readOwn(path, mostBytes) : undefined;
    if (text === undefined) return undefined;
    try {
      const { sha256, ...known } = record.parse(JSON.parse(text));
      const now = timesOf(stats);
      if (known.size !== now.size || known.mtimeNs !== now.mtimeNs || known.ctimeNs !== now.ctimeNs)
        return undefined;
      await touch(path);
      return sha256;
    } catch {
      return undefined;
    }
  }

  /** Records a hash; `stats` were taken after the last byte was read. A failure only costs time. */
  async remember(stats: BigIntStats, sha256: string, now = Date.now()): Promise<void> {
    const changed = Number((stats.ctimeNs > stats.mtimeNs ? stats.ctimeNs : stats.mtimeNs) / 1_000_000n);
    if (!this.#trusted || stats.size < leastBytes || now - changed < settledAfter) return;
    try {
      makeFolder(this.#folder, 0o700);
      await writeTextAtomically(
        this.#path(stats),
        `${JSON.stringify({ ...timesOf(stats), sha256 })}\n`,
        0o600,
      );
    } catch {
      // The store is not writable: the file is hashed again next time.
    }
  }

  #path({ dev, ino }: BigIntStats): string {
    return join(this.#folder, `${dev}-${ino}.json`);
  }
}

function timesOf({ size, mtimeNs, ctimeNs }: BigIntStats): {
  size: string;
  mtimeNs: string;
  ctimeNs: string;
} {
  return { size: String(size), mtimeNs: String(mtimeNs), ctimeNs: String(ctimeNs) };
}
