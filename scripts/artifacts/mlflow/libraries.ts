import type { ModelReader } from '../../model/types.ts';
import { readMlflow } from './model-file.ts';
import { textOf, wordOf } from './values.ts';

/** A flavor's note of the library that it saves (`mlflow.<flavor>.save_model`) → the library's name on PyPI. */
const noted: Readonly<Record<string, string>> = {
  sklearn_version: 'scikit-learn',
  xgb_version: 'xgboost',
  lgb_version: 'lightgbm',
  catboost_version: 'catboost',
  keras_version: 'keras',
  pytorch_version: 'torch',
  transformers_version: 'transformers',
  sentence_transformers_version: 'sentence-transformers',
  onnx_version: 'onnx',
  spacy_version: 'spacy',
  statsmodels_version: 'statsmodels',
  prophet_version: 'prophet',
  pmdarima_version: 'pmdarima',
  paddle_version: 'paddlepaddle',
};
/**
 * Libraries of requirements.txt without which a model does not load, or whose objects lie in its pickles. The others are
 * many, and few matter.
 */
const required = new Set([...Object.values(noted), 'numpy', 'tensorflow', 'onnxruntime', 'langchain']);

/** Versions of the libraries that a model was saved with: those that its flavors note, and of requirements.txt some. */
export async function librariesOfMlflow(files: ModelReader): Promise<Record<string, string>> {
  const libraries = new Map<string, string>();
  const requirements = (await textOf(files, 'requirements.txt')) ?? '';
  // PEP 508: a name, extras, an exact version; a marker may follow.
  for (const [, name = '', version = ''] of requirements.matchAll(
    /^([\w.-]{1,64})(?:\[[\w, -]{0,99}\])?==([\w.+]{1,64})/gm,
  )) {
    const normal = name.toLowerCase().replaceAll(/[_.]/g, '-');
    if (required.has(normal)) libraries.set(normal, version);
  }
  for (const settings of (await readMlflow(files))?.flavors.values() ?? []) {
    for (const [field, name] of Object.entries(noted)) {
      const version = wordOf(settings[field]);
      if (version !== undefined) libraries.set(name, version);
    }
  }
  return Object.fromEntries(libraries);
}
