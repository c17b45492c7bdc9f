import { stat } from 'node:fs/promises';
import { loadFrameworks } from '../../catalog/frameworks.ts';
import { loadCatalog } from '../../catalog/load.ts';
import { lockProblems } from '../../catalog/lock-check.ts';
import { lockCommand } from '../../catalog/lock-path.ts';
import { readLock } from '../../catalog/lockfile.ts';
import type { Catalog, Framework } from '../../model/types.ts';
import { displayPath } from '../../text/paths.ts';
import type { CheckResult, DoctorOptions, Found } from './types.ts';

/** Reads models.yaml and the frameworks; the results go into `found`. */
export async function checkCatalog(options: DoctorOptions, found: Found): Promise<CheckResult[]> {
  const { file, overrides } = options;
  const shown = displayPath(file);
  const exists = await stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
  // Another name was typed, so it was meant to exist.
  if (!exists && file === 'models.yaml') {
    const next = 'change to the folder with your models.yaml, or name another file with -f';
    return [{ check: 'catalog', status: 'warn', message: `${shown}: no such file`, next }];
  }
  const catalog = await loadCatalog(file, overrides);
  const frameworks = await loadFrameworks(catalog.directory);
  found.catalog = catalog;
  const count = catalog.models.length;
  const message = `${shown}: ${count} ${count === 1 ? 'model' : 'models'}, ${frameworks.size} frameworks`;
  return [{ check: 'catalog', status: 'ok', message }, ...(await lockResult(catalog, frameworks, found))];
}

async function lockResult(
  catalog: Catalog,
  frameworks: ReadonlyMap<string, Framework>,
  found: Found,
): Promise<CheckResult[]> {
  const shown = displayPath(catalog.lockFile);
  const next = `run \`${lockCommand(catalog)}\``;
  let lock: Found['lock'];
  try {
    lock = await readLock(catalog.lockFile);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [{ check: 'lock', status: 'fail', message, next }];
  }
  if (lock === undefined) {
    const message = `${shown}: no such file; builds resolve the sources each time`;
    return [{ check: 'lock', status: 'warn', message, next }];
  }
  found.lock = lock;
  const [problem, ...others] = lockProblems(catalog.models, lock, frameworks, undefined, shown);
  if (problem === undefined) return [{ check: 'lock', status: 'ok', message: `${shown}: up to date` }];
  const more = others.length > 0 ? ` (and ${others.length} more)` : '';
  return [{ check: 'lock', status: 'warn', message: `${shown}: out of date: ${problem}${more}`, next }];
}
