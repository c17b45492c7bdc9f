import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import type { Catalog } from '../model/types.ts';
import { displayPath } from '../text/paths.ts';
import { shellWord } from '../text/shell.ts';
import { readLock } from './lockfile.ts';

/** The lock of all catalogs, regardless of their names, before each catalog had a separate one. */
export const sharedLock = 'models.lock.yaml';

/** The path of a catalog's lock: beside it, `models.yaml` → `models.lock.yaml`, `dev.yml` → `dev.lock.yaml`. */
export function lockFileOf(catalogFile: string): string {
  return join(dirname(catalogFile), `${basename(catalogFile).replace(/\.ya?ml$/i, '')}.lock.yaml`);
}

/**
 * The command that locks this catalog: `modelcars lock` and further `words`, with `-f` for a catalog with another name
 * or folder.
 */
export function lockCommand(catalog: Pick<Catalog, 'file'>, words: readonly string[] = []): string {
  return commandFor(catalog, ['lock', ...words].join(' '));
}

/** A command line for this catalog: `modelcars WORDS`, with `-f` for a catalog with another name or folder. */
export function commandFor({ file }: Pick<Catalog, 'file'>, words: string): string {
  const shown = displayPath(file);
  if (shown === 'models.yaml') return `modelcars ${words}`;
  return `modelcars ${words} -f ${shellWord(shown)}`;
}

/**
 * A warning for users of an older modelcars whose catalog lacks a lock: models.lock.yaml beside it, which pins models
 * with these names, is no longer read. Explains how to keep its pins. Undefined otherwise.
 */
export async function formerLock(catalog: Catalog): Promise<string | undefined> {
  const { directory, lockFile, models } = catalog;
  const old = join(directory, sharedLock);
  if (old === lockFile || (await isThere(lockFile))) return undefined;
  // An unreadable lock has no pins worth keeping.
  const lock = await readLock(old).catch(() => undefined);
  if (!models.some(({ name }) => lock !== undefined && Object.hasOwn(lock.models, name))) return undefined;
  // models.yaml may still use it.
  const verb = (await isThere(join(directory, 'models.yaml'))) ? 'cp' : 'mv';
  return `every catalog has its own lock now, and ${displayPath(old)} is not read for ${displayPath(catalog.file)}; keep what it pins: \`${verb} ${displayPath(old)} ${displayPath(lockFile)}\``;
}

/** Fails with code `catalog` when another catalog beside this one has the same lock: `dev.yml` and `dev.yaml`. */
export async function checkOwnLock({ file, lockFile }: Catalog): Promise<void> {
  const stem = basename(file, extname(file));
  for (const ending of ['.yaml', '.yml', '']) {
    const other = join(dirname(file), stem + ending);
    if (other === file || lockFileOf(other) !== lockFile || !(await isThere(other))) continue;
    const shown = displayPath(other);
    throw new ModelcarsError(
      'catalog',
      `lock ${displayPath(file)}: ${shown} beside it has the same lock, ${displayPath(lockFile)}`,
      { next: 'rename one of them' },
    );
  }
}

/** Whether a regular file exists. */
export async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
}
