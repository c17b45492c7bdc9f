import type { ModelReader } from '../../model/types.ts';
import { sourceFrom } from '../json-file.ts';
import { readLightgbm } from '../lightgbm.ts';
import { readOnnx } from '../onnx.ts';
import { readSklearn } from '../sklearn.ts';
import { mlserverFile } from '../smoke/model-file.ts';
import { readXgboost } from '../xgboost.ts';
import { anyVersion, packageOf } from './packages.ts';

/**
 * The libraries that a pickle needs: scikit-learn with its version, numpy with its major version, and every other one
 * that it imports, of any version.
 */
export async function librariesOfSklearn(files: ModelReader): Promise<Record<string, string>> {
  const source = sourceFrom(files, await mlserverFile(files, ['model.joblib', 'model.pickle', 'model.pkl']));
  const found = source && (await readSklearn(source));
  const libraries = new Map<string, string>();
  for (const module of found?.modules ?? []) {
    const name = packageOf(module);
    if (name !== undefined) libraries.set(name, anyVersion);
  }
  if (found?.version !== undefined) libraries.set('scikit-learn', found.version);
  // Every one has numpy; only what tells its version is worth a note.
  libraries.delete('numpy');
  if (found?.numpy !== undefined) libraries.set('numpy', found.numpy);
  return Object.fromEntries(libraries);
}

/** The version of XGBoost that wrote a model. */
export async function librariesOfXgboost(files: ModelReader): Promise<Record<string, string>> {
  const source = sourceFrom(files, await mlserverFile(files, ['model.bst', 'model.json', 'model.ubj']));
  const version = (source && (await readXgboost(source)))?.version;
  return version === undefined ? {} : { xgboost: version };
}

/** The version of LightGBM's text format, which is its major version. */
export async function librariesOfLightgbm(files: ModelReader): Promise<Record<string, string>> {
  const source = sourceFrom(files, await mlserverFile(files, ['model.bst']));
  const version = (source && (await readLightgbm(source)))?.version;
  return version === undefined ? {} : { lightgbm: version };
}

/** The versions of ONNX's format (`onnx-ir`) and of its operator sets: `ai.onnx`, `ai.onnx.ml` and others. */
export async function librariesOfOnnx(files: ModelReader): Promise<Record<string, string>> {
  const source = sourceFrom(
    files,
    files.paths.find((path) => path.endsWith('.onnx')),
  );
  const found = source && (await readOnnx(source));
  if (found === undefined) return {};
  const sets = [...found.opsets].filter(([domain]) => /^[\w.-]{1,64}$/.test(domain));
  return {
    ...(found.irVersion !== undefined && { 'onnx-ir': String(found.irVersion) }),
    ...Object.fromEntries(sets.map(([domain, version]) => [domain, String(version)])),
  };
}
