import type { ModelReader } from '../../model/types.ts';
import { jsonOf } from '../json-file.ts';

/** A settings file that is read; a longer one says nothing. */
const longestSettings = 1024 ** 2;

/**
 * The path of the file that MLServer loads: the one that model-settings.json names as `parameters.uri`, or the first
 * of the names that a runtime looks for (mlserver/utils.py, get_model_uri).
 */
export async function mlserverFile(
  files: ModelReader,
  names: readonly string[],
): Promise<string | undefined> {
  const settings = await jsonOf(files, 'model-settings.json', longestSettings);
  const parameters: unknown = settings.parameters;
  const uri = typeof parameters === 'object' && parameters !== null && 'uri' in parameters && parameters.uri;
  if (typeof uri === 'string') {
    const path = uri.replace(/^(\.\/)+/, '').replace(/^\/mnt\/models\//, '');
    if (files.paths.includes(path)) return path;
  }
  return names.find((name) => files.paths.includes(name));
}
