import { ModelcarsError } from '../../errors.ts';
import type { ModelReader, SmokeTest } from '../../model/types.ts';
import { readCatboost } from '../catboost.ts';
import { sourceFrom } from '../json-file.ts';
import { mlserverFile } from './model-file.ts';
import { requestOf } from './rows.ts';

/**
 * A request for a CatBoost model. Undefined when its file does not say what it takes. Fails with code `catalog` for one
 * that knows no classes: MLServer loads it, and then answers with an error (tests/judges/catboost.test.ts).
 */
export async function smokeFromCatboost(files: ModelReader): Promise<SmokeTest | undefined> {
  const path = await mlserverFile(files, ['model.cbm']);
  const source = sourceFrom(files, path);
  const model = source && (await readCatboost(source));
  if (path === undefined || model === undefined) return undefined;
  if (!model.isClassifier) {
    throw new ModelcarsError(
      'catalog',
      `make a smoke request: ${path} knows no classes, and MLServer serves classifiers of CatBoost only`,
      { next: 'save it as ONNX (`save_model(…, format="onnx")`), and take `framework: onnx-triton`' },
    );
  }
  return requestOf(path, model.rows);
}

/** The version of CatBoost that wrote a model. */
export async function catboostLibraries(files: ModelReader): Promise<Record<string, string>> {
  const source = sourceFrom(files, await mlserverFile(files, ['model.cbm']));
  const version = (source && (await readCatboost(source)))?.version;
  return version === undefined ? {} : { catboost: version };
}
