import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { diskError } from '../files/atomic.ts';
import { isLocked, tryLock } from './file-lock.ts';
import { readMark } from './in-use.ts';
import { distrustOf, requireTrust } from './trust.ts';

/** What to remove. */
export interface PruneOptions {
  /** Milliseconds: entries unused for longer are removed. */
  olderThan?: number;
  /** Bytes: of the rest, the least recently used are removed until at most this much remains. */
  maxSize?: number;
  /** Removes every entry that no process uses. */
  all?: boolean;
  dryRun?: boolean;
  /** Milliseconds since 1970; for tests. */
  now?: number;
}

/** An entry of the store. `part`: an unfinished download. `hash`: the recorded hash of a local file. */
export interface StoreEntry {
  kind: 'file' | 'blob' | 'part' | 'layer' | 'hash';
  /** SHA-256 of a file, part or blob; key of a layer; device and inode of a hashed file. */
  name: string;
  /** Bytes. */
  size: number;
  /** When it was last read or written, RFC 3339. */
  lastUsed: string;
}

export interface Pruned {
  removed: StoreEntry[];
  /** Bytes. */
  freed: number;
  /** Bytes that remain. */
  left: number;
  /** Entries kept because a process uses them. */
  inUse: number;
}

type Found = StoreEntry & { path: string; used: number; busy: boolean };

/** Milliseconds for which a partial file without a writer is kept for the next run. */
const partPatience = 24 * 3600 * 1000;

/**
 * Removes the least recently used entries of a store: model files, partial files without a writer (after a day,
 * whatever the options), blobs of bases, and records of layers and local files (by age only). Entries that a living
 * process of this machine reads or writes are kept. A missing folder is an empty store. Fails with code `disk`, also on
 * a store that is not trusted.
 */
export async function prune(folder: string, options: PruneOptions): Promise<Pruned> {
  const { olderThan, maxSize, all = false, dryRun = false, now = Date.now() } = options;
  // Following another user's link would delete files outside any store.
  const distrust = distrustOf(folder);
  if (distrust?.scope === 'all') requireTrust(distrust, 'prune the store');
  try {
    const found = (await entries(folder, dryRun)).sort((a, b) => a.used - b.used);
    let left = found.reduce((sum, { size }) => sum + size, 0);
    const result: Pruned = { removed: [], freed: 0, left, inUse: 0 };
    for (const entry of found) {
      const age = now - entry.used;
      const old = olderThan !== undefined && age > olderThan;
      const tooMuch =
        maxSize !== undefined && entry.kind !== 'layer' && entry.kind !== 'hash' && left > maxSize;
      const abandoned = entry.kind === 'part' && age > partPatience;
      if (!(all || old || tooMuch || abandoned)) continue;
      if (entry.busy || !(await remove(entry, dryRun))) {
        result.inUse++;
        continue;
      }
      left -= entry.size;
      const { kind, name, size, lastUsed } = entry;
      result.removed.push({ kind, name, size, lastUsed });
    }
    return { ...result, left, freed: result.left - left };
  } catch (error) {
    throw diskError(`prune the store ${folder}`, error);
  }
}

/** Removes one entry; false when a process started using it in the meantime. */
async function remove(entry: Found, dryRun: boolean): Promise<boolean> {
  const target = entry.kind === 'part' ? entry.path.replace(/\.part$/, '') : undefined;
  if (dryRun) return target === undefined || !(await isLocked(target));
  const held = target === undefined ? undefined : await tryLock(target);
  if (target !== undefined && held === undefined) return false;
  await rm(entry.path, { force: true });
  await held?.release();
  return true;
}

async function entries(folder: string, dryRun: boolean): Promise<Found[]> {
  const files = join(folder, 'files', 'sha256');
  const found: Found[] = [];
  for (const prefix of await names(files)) {
    if (!/^[0-9a-f]{2}$/.test(prefix)) continue;
    found.push(...(await inFolder(join(files, prefix), prefix, fileKind, dryRun)));
  }
  const blobKind = (name: string) => (/^[0-9a-f]{64}$/.test(name) ? 'blob' : undefined);
  const layerKind = (name: string) => (/^[0-9a-f]{64}(\.walk)?\.json$/.test(name) ? 'layer' : undefined);
  found.push(...(await inFolder(join(folder, 'blobs', 'sha256'), '', blobKind, dryRun)));
  found.push(...(await inFolder(join(folder, 'layers'), '', layerKind, dryRun)));
  const hashKind = (name: string) => (/^\d+-\d+\.json$/.test(name) ? 'hash' : undefined);
  found.push(...(await inFolder(join(folder, 'hashes'), '', hashKind, dryRun)));
  return found;
}

function fileKind(name: string): StoreEntry['kind'] | undefined {
  if (/^[0-9a-f]{62}$/.test(name)) return 'file';
  return /^[0-9a-f]{62}\.part$/.test(name) ? 'part' : undefined;
}

/** The entries of one folder. Marks left by killed readers are deleted. */
async function inFolder(
  folder: string,
  prefix: string,
  kindOf: (name: string) => StoreEntry['kind'] | undefined,
  dryRun: boolean,
): Promise<Found[]> {
  const all = await names(folder);
  const busy = new Set<string>();
  for (const name of all) {
    const mark = readMark(name);
    if (mark?.live) busy.add(mark.of);
    else if (mark && !dryRun) await rm(join(folder, name), { force: true });
  }
  const found: Found[] = [];
  for (const name of all) {
    const kind = kindOf(name);
    const path = join(folder, name);
    const stats = kind && (await stat(path).catch(() => undefined));
    if (kind === undefined || stats === undefined || !stats.isFile()) continue;
    const used = Math.max(stats.atimeMs, stats.mtimeMs);
    const lastUsed = new Date(used).toISOString();
    const plain = `${prefix}${name.replace(/\.(part|json)$/, '')}`;
    found.push({ kind, name: plain, size: stats.size, lastUsed, path, used, busy: busy.has(name) });
  }
  return found;
}

async function names(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
