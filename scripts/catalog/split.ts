import { realpath, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { stringify } from 'yaml';
import { isModel } from '../model/catalog-entry.ts';
import type { Catalog, CatalogEntry, Lock } from '../model/types.ts';
import { parseFileUri } from '../sources/file/uri.ts';
import { frameworkImports } from './framework-imports.ts';
import { readText } from './read-text.ts';
import { formatLock } from './write-lock.ts';
import { readYaml } from './yaml-document.ts';

/** The part of a catalog for one model: unaffected by changes to other models only. */
export interface SplitModel {
  name: string;
  /** A models.yaml with only this model; its other fields are unchanged. */
  catalog: string;
  /** A models.lock.yaml with only this model and its base; absent without a lock. */
  lock?: string;
  /**
   * Globs over the catalog's folder (dockerignore's, special characters escaped): the model's own files, and all
   * scripts of `frameworks/`, since all are loaded, with their imports.
   */
  files: string[];
  /**
   * Only its base, as a catalog and a lock for `modelcars bases`; absent for `embedded`, which is part of modelcars.
   */
  base?: { catalog: string; lock?: string };
}

/** The parts of these models, for separate builds. Reads only the catalog's text and the lock. */
export async function splitCatalog(
  catalog: Catalog,
  models: readonly CatalogEntry[],
  lock: Lock | undefined,
): Promise<SplitModel[]> {
  const text = await readText(catalog.file, {
    code: 'catalog',
    mostBytes: 1024 ** 2,
    next: 'check the file',
  });
  // loadCatalog has checked it: a map with `models:`, each with a name.
  const whole = readYaml(text ?? '', 100_000).value as { models: { name: string }[] };
  const scripts = ['frameworks/**/*.ts', ...(await frameworkImports(catalog.directory)).map(escapeGlob)];
  return await Promise.all(
    models.map(async (model) => ({
      name: model.name,
      catalog: stringify(
        { ...whole, models: whole.models.filter(({ name }) => name === model.name) },
        { lineWidth: 0, aliasDuplicateObjects: false },
      ),
      ...(lock && { lock: formatLock(lockOf(model, lock)) }),
      files: await filesOf(model, lock, catalog.directory, scripts),
      ...(model.base !== 'embedded' && { base: baseOf(model, lock, catalog.mirrors) }),
    })),
  );
}

/** An entry with only its base: a loader needs no framework and no source. The same base gives the same text. */
function baseOf(
  { base, platforms }: CatalogEntry,
  lock: Lock | undefined,
  mirrors: Catalog['mirrors'],
): NonNullable<SplitModel['base']> {
  const text = stringify({ mirrors, models: [{ name: 'base', image: 'loader', base, platforms }] });
  return {
    catalog: text,
    ...(lock && { lock: formatLock({ lockVersion: 1, bases: only(lock.bases, base), models: {} }) }),
  };
}

function lockOf({ name, base }: CatalogEntry, lock: Lock): Lock {
  return { lockVersion: 1, bases: only(lock.bases, base), models: only(lock.models, name) };
}

function only<T>(record: Record<string, T>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([other]) => other === key));
}

async function filesOf(
  model: CatalogEntry,
  lock: Lock | undefined,
  directory: string,
  scripts: string[],
): Promise<string[]> {
  if (!isModel(model)) return scripts;
  const home = await realpath(directory);
  const paths = Object.values(model.files).flatMap((uri) => localPath(uri) ?? []);
  const root = localPath(model.source);
  if (root !== undefined) {
    const locked = lock && Object.hasOwn(lock.models, model.name) ? lock.models[model.name] : undefined;
    const own = locked?.files.filter(({ source }) => source === undefined) ?? [];
    const isFolder = await stat(join(home, root)).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    // Only the locked files of a folder: changes to the others do not affect this model.
    if (isFolder && own.length > 0) paths.push(...own.map(({ path }) => posix.join(root, path)));
    else if (posix.normalize(root) === '.') return ['**'];
    else paths.push(root);
  }
  for (const path of paths) {
    const asked = join(home, path);
    // A link is followed as long as it stays in the folder, so its target has to be included.
    if ((await realpath(asked).catch(() => asked)) !== asked) return ['**'];
  }
  return [...scripts, ...new Set(paths.map((path) => escapeGlob(posix.normalize(path))))];
}

/** Path of a relative `file:` URI below the catalog's folder; undefined for any other URI. */
function localPath(uri: string): string | undefined {
  const parsed = parseFileUri(uri);
  return parsed.ok && !parsed.value.absolute ? parsed.value.path.replace(/\/+$/, '') : undefined;
}

function escapeGlob(path: string): string {
  return path.replace(/[\\*?[\]!#]/g, '\\$&');
}
