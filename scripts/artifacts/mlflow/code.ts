import type { ModelReader } from '../../model/types.ts';
import { list, plain } from '../../text/format.ts';
import { readMlflow } from './model-file.ts';
import { wordOf } from './values.ts';

/** Files named in the warning. */
const mostNamed = 4;

/**
 * A warning for a model that brings Python code of its own, which its server runs: a folder of modules (`code_paths` of
 * `save_model`; `code` of a flavor in MLmodel, mlflow/utils/model_utils.py), or the model itself as code
 * (`model_code_path`, MLflow's documentation, "Models from Code").
 */
export async function codeWarnings(files: ModelReader): Promise<string[]> {
  const { flavors } = (await readMlflow(files)) ?? {};
  const named = new Set(['code']);
  for (const settings of flavors?.values() ?? []) {
    for (const field of [settings.code, settings.model_code_path]) {
      const path = wordOf(field)?.replace(/^(\.\/)+|\/+$/g, '');
      if (path !== undefined && path !== '') named.add(path);
    }
  }
  const code = files.paths.filter((path) =>
    [...named].some((one) => path === one || (path.startsWith(`${one}/`) && /\.(py|so|pyc)$/.test(path))),
  );
  if (code.length === 0) return [];
  const shown = list(
    code.map((path) => plain(path)),
    'and',
    mostNamed,
  );
  return [
    `it brings its own code (${shown}), which MLServer can run when it loads the model and serves it: review it`,
  ];
}
