import { loadFrameworks } from '../catalog/frameworks.ts';
import { readLock } from '../catalog/lockfile.ts';
import { targetPath } from '../catalog/target-path.ts';
import { ModelcarsError } from '../errors.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { Catalog, CatalogEntry } from '../model/types.ts';
import { plain } from '../text/format.ts';
import { displayPath } from '../text/paths.ts';
import type { Check } from '../verify/check.ts';
import type { ExpectedFile } from '../verify/facts.ts';
import { frameworkOf } from './lock-resolver.ts';

/** The files of a model, by the lock. */
export interface LockedFiles {
  /** As in messages. */
  lockFile: string;
  files: ExpectedFile[];
}

/** The selected files that the lock has of a model; undefined when it is not locked, or no model. */
export async function lockedFilesOf(
  catalog: Catalog,
  model: CatalogEntry,
  select: (path: string) => boolean,
): Promise<LockedFiles | undefined> {
  if (!isModel(model)) return undefined;
  const entry = (await readLock(catalog.lockFile))?.models[model.name];
  if (entry === undefined) return undefined;
  const framework = frameworkOf(await loadFrameworks(catalog.directory, new Set([model.framework])), model);
  const files = entry.files.map((file) => ({
    path: targetPath(framework, file),
    size: file.size,
    sha256: file.sha256,
  }));
  return { lockFile: displayPath(catalog.lockFile), files: files.filter(({ path }) => select(path)) };
}

/** Fails with code `integrity` when the files of an image are not those of the lock. */
export function compareWithLock(
  name: string,
  files: readonly ExpectedFile[],
  { lockFile, files: locked }: LockedFiles,
): Check {
  const found = new Map(files.map((file) => [file.path, file]));
  for (const { path, size, sha256 } of locked) {
    const file = found.get(path);
    if (file === undefined) throw differs(name, lockFile, `the image lacks ${plain(path)}`);
    if (file.size !== size || file.sha256 !== sha256)
      throw differs(name, lockFile, `${plain(path)} has SHA-256 ${file.sha256}, the lock has ${sha256}`);
    found.delete(path);
  }
  const [extra] = found.keys();
  if (extra !== undefined) throw differs(name, lockFile, `the lock does not have ${plain(extra)}`);
  return { rule: 'lock', text: `every file is that of ${lockFile}` };
}

function differs(name: string, lockFile: string, problem: string): ModelcarsError {
  return new ModelcarsError('integrity', `pull ${name}: its files are not those of ${lockFile}: ${problem}`, {
    next: 'push the model again; to pull the image as it is, name it in full, as above',
  });
}
