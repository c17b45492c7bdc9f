import { stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import { formatBytes } from '../text/bytes.ts';

/** Bytes about to be written, with a key: needs with the same key are counted once. */
export interface SpaceNeed {
  key: string;
  bytes: number;
}

/**
 * The free space of the file systems that a run writes to. Space reserved for one model is not available to the next:
 * each model reserves what it needs before its first byte.
 */
export class FreeSpace {
  /** Device → free bytes when first queried, and the bytes reserved since, by key. */
  readonly #devices = new Map<number, Promise<{ free: number; promised: Map<string, number> }>>();

  /**
   * Reserves space for `needs` in a folder (which need not exist yet). Fails with code `disk` when there is too little:
   * "`what` needs 42 GB in out, 10 GB are free". File systems that report no free space (some network file systems) are
   * not checked.
   */
  async reserve(what: string, folder: string, needs: readonly SpaceNeed[], option: string): Promise<void> {
    const place = await existing(resolve(folder));
    if (place === undefined) return;
    const { free, promised } = await this.#device(place.device, place.path);
    const fresh = new Map(
      needs.filter(({ key }) => !promised.has(key)).map(({ key, bytes }) => [key, bytes]),
    );
    const wanted = sum(fresh.values());
    const taken = sum(promised.values());
    if (wanted > free - taken) {
      const others =
        taken > 0 ? `, of which ${formatBytes(taken)} are for what this run writes before it` : '';
      throw new ModelcarsError(
        'disk',
        `${what} needs ${formatBytes(wanted)} in ${folder}, ${formatBytes(free)} are free${others}`,
        { next: `free some space (\`modelcars prune\`), or choose another folder with ${option}` },
      );
    }
    for (const [key, bytes] of fresh) promised.set(key, bytes);
  }

  #device(device: number, path: string): Promise<{ free: number; promised: Map<string, number> }> {
    let known = this.#devices.get(device);
    if (known === undefined) {
      known = freeBytes(path).then((free) => ({ free, promised: new Map() }));
      this.#devices.set(device, known);
    }
    return known;
  }
}

/**
 * Free bytes for a folder, which need not exist yet; undefined on a file system that reports none (some network file
 * systems).
 */
export async function freeSpaceOf(folder: string): Promise<number | undefined> {
  const place = await existing(resolve(folder));
  const free = place === undefined ? Number.POSITIVE_INFINITY : await freeBytes(place.path);
  return Number.isFinite(free) ? free : undefined;
}

async function freeBytes(path: string): Promise<number> {
  const found = await statfs(path).catch(() => undefined);
  if (found === undefined || found.blocks === 0) return Number.POSITIVE_INFINITY;
  return found.bavail * found.bsize;
}

/** The path or its nearest parent that exists. */
async function existing(path: string): Promise<{ path: string; device: number } | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) return { path, device: found.dev };
  return dirname(path) === path ? undefined : existing(dirname(path));
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
