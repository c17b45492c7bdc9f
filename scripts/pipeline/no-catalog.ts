import { resolve } from 'node:path';
import { lockFileOf } from '../catalog/lock-path.ts';
import type { Catalog } from '../model/types.ts';

/** The catalog of a run without a models.yaml: the current folder, and no model. */
export function noCatalog(mirrors: Catalog['mirrors'] = {}): Catalog {
  const file = resolve('models.yaml');
  return { file, directory: resolve('.'), lockFile: lockFileOf(file), mirrors, models: [] };
}
