import type { ModelReader } from '../../model/types.ts';
import { jsonOf } from '../json-file.ts';
import { fieldsOf, wordOf } from '../mlflow/values.ts';
import { pathOf } from '../mlserver-settings.ts';

/** A settings file that is read; a longer one says nothing. */
const longestSettings = 1024 ** 2;

/**
 * The path of the file that MLServer loads: the one that model-settings.json names as `parameters.uri`, or the first
 * of the names that a runtime looks for, in the folder that it names or beside it (mlserver/utils.py, get_model_uri).
 */
export async function mlserverFile(
  files: ModelReader,
  names: readonly string[],
): Promise<string | undefined> {
  const settings = 'model-settings.json';
  const uri = wordOf(fieldsOf((await jsonOf(files, settings, longestSettings)).parameters).uri);
  const path = uri === undefined ? undefined : pathOf(settings, uri);
  if (path !== undefined && files.paths.includes(path)) return path;
  const inside = path === undefined || path === '' ? [] : names.map((name) => `${path}/${name}`);
  return [...inside, ...names].find((name) => files.paths.includes(name));
}
