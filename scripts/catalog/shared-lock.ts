import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { ModelcarsError } from '../errors.ts';
import type { Catalog } from '../model/types.ts';
import { list, plain } from '../text/format.ts';
import { compareBytes, displayPath } from '../text/paths.ts';
import { isThere, lockCommand, lockFileOf, sharedLock } from './lock-path.ts';
import { readText } from './read-text.ts';
import { readYaml } from './yaml-document.ts';

/** As for catalogs: see load.ts. */
const [mostBytes, mostValues] = [1024 ** 2, 100_000];
/** Only the names: a mistake elsewhere in another catalog does not matter here. */
const looseSchema = z.object({ models: z.array(z.looseObject({ name: z.string() })) });

/**
 * Which other catalog beside this one has each of the models that are about to leave its lock: name → path. Fails with
 * code `lock` when the lock is the one that all catalogs once shared, and such a catalog has no own lock yet: its pins
 * would be lost.
 */
export async function findOtherCatalogs(
  catalog: Catalog,
  leaving: readonly string[],
): Promise<Map<string, string>> {
  const others = new Map<string, string>();
  if (leaving.length === 0) return others;
  for (const file of await catalogsBeside(catalog)) {
    const names = await modelNames(file);
    const own = leaving.filter((name) => names.has(name));
    if (own.length === 0) continue;
    if (basename(catalog.lockFile) === sharedLock && !(await isThere(lockFileOf(file))))
      throw stillShared(catalog, file, own);
    for (const name of own) others.set(name, others.get(name) ?? file);
  }
  return others;
}

function stillShared(catalog: Catalog, file: string, names: readonly string[]): ModelcarsError {
  const shown = displayPath(catalog.lockFile);
  const models = list(
    names.map((name) => plain(name)),
    'and',
    6,
  );
  return new ModelcarsError(
    'lock',
    `lock ${displayPath(catalog.file)}: ${shown} also pins ${models} of ${displayPath(file)}, which has no lock of its own`,
    {
      next: `keep its pins with \`cp ${shown} ${displayPath(lockFileOf(file))}\`, or resolve its models now with \`${lockCommand({ file })}\`; then run it again`,
    },
  );
}

/** The YAML files beside a catalog that are neither locks nor share its lock; sorted. */
async function catalogsBeside({ directory, file, lockFile }: Catalog): Promise<string[]> {
  const entries = await readdir(directory).catch(() => []);
  return entries
    .filter((name) => /\.ya?ml$/i.test(name) && !/\.lock\.ya?ml$/i.test(name))
    .sort(compareBytes)
    .map((name) => join(directory, name))
    .filter((path) => path !== file && lockFileOf(path) !== lockFile);
}

/** The names of a catalog's models; empty for any other file. */
async function modelNames(file: string): Promise<ReadonlySet<string>> {
  const reading = { code: 'catalog', mostBytes, next: '' } as const;
  const text = await readText(file, reading).catch(() => undefined);
  const document = readYaml(text ?? '', mostValues);
  const parsed = looseSchema.safeParse(document.mistakes.length > 0 ? undefined : document.value);
  return new Set(parsed.data?.models.map(({ name }) => name));
}
