import { Cursor } from './cursor.ts';
import { readPickle, type Unpickled } from './pickle/machine.ts';
import { attribute, type Value } from './pickle/values.ts';
import { columnsOf, stepsOf } from './sklearn-columns.ts';
import { type ByteSource, orNothing } from './source.ts';
import type { RowsModel } from './types.ts';

/** What a scikit-learn model in a pickle says of itself. */
export interface SklearnModel {
  /** Undefined where it does not say which rows it takes. */
  rows?: RowsModel;
  /** Modules that loading it imports. */
  modules: readonly string[];
  /** Version of scikit-learn that wrote it. */
  version?: string;
  /** Major version of numpy that wrote it. */
  numpy?: '1' | '2';
}

/**
 * Reads what a model dumped by pickle or joblib says of itself, without unpickling it: nothing in the file is called.
 * Undefined when it is no pickle, of a compression other than zlib and gzip, or beyond the limits.
 */
export async function readSklearn(source: ByteSource): Promise<SklearnModel | undefined> {
  return await orNothing(async () => {
    const { value, modules } = await readPickle(await Cursor.open(source));
    const input = columnsOf(value);
    const version = versionOf(value);
    const numpy = numpyOf(modules);
    return {
      ...(input !== undefined && { rows: { input } }),
      modules: [...modules],
      ...(version !== undefined && { version }),
      ...(numpy !== undefined && { numpy }),
    };
  });
}

/** `_sklearn_version`, which every estimator of scikit-learn adds to its state; that of the first one in it. */
function versionOf(value: Value, depth = 0): string | undefined {
  const own = attribute(value, '_sklearn_version');
  if (typeof own === 'string' && /^[\w.+]{1,40}$/.test(own)) return own;
  if (depth === 5) return undefined;
  const inner = [attribute(value, 'best_estimator_'), attribute(value, 'estimator'), ...stepsOf(value)];
  for (const one of inner) {
    const found = versionOf(one, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * numpy 2 calls its inner modules `numpy._core`, numpy 1 `numpy.core` (numpy 2.0 release notes); and numpy 2 names the
 * class of a random generator where numpy 1 has a text (numpy/random/_pickle.py).
 */
function numpyOf(modules: Unpickled['modules']): '1' | '2' | undefined {
  const names = [...modules];
  if (names.some((name) => /^numpy\.(_core(\.|$)|random\._(mt19937|pcg64|philox|sfc64)$)/.test(name)))
    return '2';
  return names.some((name) => /^numpy\.core(\.|$)/.test(name)) ? '1' : undefined;
}
