import { arrayOf, NumpyArray, plainOf } from './pickle/numpy.ts';
import {
  attribute,
  Bytes,
  hasAttribute,
  Instance,
  itemsOf,
  Sequence,
  typeOf,
  type Value,
} from './pickle/values.ts';
import { type Column, mostColumns, plainColumns, type RowsModel } from './types.ts';

/** Models in models: a search of a pipeline of an ensemble. */
const mostDepth = 8;
/** Attributes of models that pass their rows to another one as they are. */
const wrapped = ['best_estimator_', 'regressor_', 'estimator_', 'base_estimator_', 'base_estimator'];

/** The rows that a fitted model takes; undefined where it does not say. */
export function columnsOf(model: Value, depth = 0): RowsModel['input'] | undefined {
  if (depth > mostDepth || !(model instanceof Instance)) return undefined;
  if (isText(model)) return 'text';
  const [first] = [...stepsOf(model), ...membersOf(model, 'transformer_list')];
  const inner =
    first !== undefined
      ? columnsOf(first, depth + 1)
      : (wrapped.map((name) => columnsOf(attribute(model, name), depth + 1)).find(isKnown) ??
        columnsOf(itemsOf(attribute(model, 'estimators_'))[0], depth + 1));
  if (inner === 'text') return 'text';
  const names = namesOf(model);
  const count = names?.length ?? countOf(model) ?? inner?.length;
  if (count === undefined || count > mostColumns) return undefined;
  const plain = inner?.length === count ? [...inner] : plainColumns(count);
  const named =
    names === undefined ? plain : plain.map((column, at) => ({ ...column, ...nameAt(names, at) }));
  return withCategories(model, named);
}

function isKnown<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function nameAt(names: readonly string[], at: number): { name?: string } {
  const name = names[at];
  return name === undefined ? {} : { name };
}

/** The steps of a pipeline that do something, in order; empty for any other model. */
export function stepsOf(model: Value): Value[] {
  return membersOf(model, 'steps');
}

/** The models in a list of `(name, model)`; a FeatureUnion's all get the same rows. */
function membersOf(model: Value, name: string): Value[] {
  const members = itemsOf(attribute(model, name)).map((member) => itemsOf(member)[1]);
  return members.filter((member) => member instanceof Instance);
}

/** Whether it takes a list of texts: a vectorizer of sklearn.feature_extraction.text. */
function isText(model: Instance): boolean {
  const { module = '', name = '' } = typeOf(model) ?? {};
  return /^sklearn\.feature_extraction\.text\b/.test(module) && name.endsWith('Vectorizer');
}

/** `n_features_in_` (SLEP010), LightGBM's own, and those of scikit-learn before 0.24. */
function countOf(model: Instance): number | undefined {
  for (const name of ['n_features_in_', '_n_features_in', '_n_features', 'n_features_']) {
    const count = plainOf(attribute(model, name));
    if (typeof count === 'number' && Number.isInteger(count) && count > 0) return count;
  }
  const coefficients = arrayOf(attribute(model, 'coef_'));
  return coefficients instanceof NumpyArray ? coefficients.shape.at(-1) : countOfBooster(model);
}

/**
 * XGBoost's classes for scikit-learn hold a Booster as UBJSON (`Booster.__getstate__`), which begins with its
 * configuration: `num_feature` there, a text with its length before it.
 */
function countOfBooster(model: Instance): number | undefined {
  const handle = attribute(attribute(model, '_Booster'), 'handle');
  const bytes = handle instanceof Instance ? itemsOf(handle.args)[0] : handle;
  if (!(bytes instanceof Bytes)) return undefined;
  const [, digits] = /num_featureSL\0{7}.(\d{1,9})/s.exec(bytes.head.toString('latin1')) ?? [];
  return digits === undefined || Number(digits) === 0 ? undefined : Number(digits);
}

/** `feature_names_in_`: an array of objects, set by scikit-learn when all names are text. */
function namesOf(model: Instance): string[] | undefined {
  const names = arrayOf(attribute(model, 'feature_names_in_'));
  if (!(names instanceof NumpyArray) || names.values.length !== names.shape[0]) return undefined;
  const texts = names.values.filter((name) => typeof name === 'string');
  return texts.length === names.values.length && texts.length > 0 ? texts : undefined;
}

/** Columns with the values that encoders in it were fitted with: any other value would be refused. */
function withCategories(model: Instance, columns: Column[]): Column[] {
  const own = categoriesOf(model);
  if (own.length === columns.length) return columns.map((column, at) => withValues(column, own[at]));
  if (!hasAttribute(model, 'transformers_')) return columns;
  const result = [...columns];
  for (const transformer of itemsOf(attribute(model, 'transformers_'))) {
    const [, does, chosen] = itemsOf(transformer);
    const places = placesOf(chosen, columns);
    const steps = [does, ...stepsOf(does)];
    const known = steps.map((step) => (step instanceof Instance ? categoriesOf(step) : [])).find(hasSome);
    const text = steps.some((step) => step instanceof Instance && isText(step));
    places.forEach((place, at) => {
      const column = result[place];
      if (column === undefined) return;
      if (text) result[place] = { ...column, values: ['text', 'other text'] };
      else result[place] = withValues(column, known?.[at]);
    });
  }
  return result;
}

function hasSome(values: readonly unknown[]): boolean {
  return values.length > 0;
}

function withValues(column: Column, values: readonly Value[] = []): Column {
  const known = values
    .map(plainOf)
    .filter((value) => typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value));
  return known.length === 0 ? column : { ...column, values: known.slice(0, 2) as Column['values'] };
}

/** `categories_` of OneHotEncoder and OrdinalEncoder, one array for each column; SimpleImputer's texts. */
function categoriesOf(model: Instance): readonly (readonly Value[])[] {
  const lists = itemsOf(attribute(model, 'categories_')).map(arrayOf);
  if (lists.length > 0) return lists.map((list) => (list instanceof NumpyArray ? list.values : []));
  const filling = arrayOf(attribute(model, 'statistics_'));
  if (!(filling instanceof NumpyArray) || !filling.dtype.hasObjects) return [];
  return filling.values.map((value) => [value]);
}

/** The places of a ColumnTransformer's columns: names, numbers, one of either, booleans or a slice. */
function placesOf(chosen: Value, columns: readonly Column[]): number[] {
  const place = (one: Value): number => {
    const plain = plainOf(one);
    if (typeof plain === 'number') return plain < 0 ? columns.length + plain : plain;
    return columns.findIndex(({ name }) => name !== undefined && name === plain);
  };
  const array = arrayOf(chosen);
  const list = array instanceof NumpyArray ? array.values : itemsOf(chosen);
  if (list.length > 0 && list.every((one) => typeof one === 'boolean'))
    return list.flatMap((one, at) => (one === true ? [at] : []));
  if (list.length > 0) return list.map(place);
  if (typeOf(chosen)?.name === 'slice' && chosen instanceof Instance) {
    const [from, to] = itemsOf(chosen.args).map((end) => (end === null ? undefined : place(end)));
    const named = typeof itemsOf(chosen.args)[1] === 'string';
    const all = columns.map((_, at) => at);
    return all.slice(from ?? 0, to === undefined ? undefined : named ? to + 1 : to);
  }
  return chosen instanceof Sequence ? [] : [place(chosen)];
}
