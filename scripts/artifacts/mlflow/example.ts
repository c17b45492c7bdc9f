import type { MlflowModel } from './model-file.ts';
import { fieldsOf, itemsOf } from './values.ts';

/** A value of a request. */
export type Value = number | string | boolean;

/** Rows of an example by column, or an array of numbers under each of its names; '' for one without names. */
export type Example =
  | { kind: 'table'; columns: Map<string, unknown[]>; rows: number }
  | { kind: 'arrays'; arrays: Map<string, { shape: number[]; data: Value[] }> };

/** Rows and values of an example that are sent; a notebook can log its whole data set. */
const mostRows = 4;
const mostValues = 1_000_000;

/**
 * The input example, as MLflow saves it (mlflow/models/utils.py, `_Example`): a table (`dataframe_split` without that
 * key), or arrays in TensorFlow Serving's notation. Undefined for others, such as sparse matrices and dicts.
 */
export function exampleOf({ example }: MlflowModel): Example | undefined {
  if (example === undefined) return undefined;
  const { settings, content } = example;
  const fields = fieldsOf(content);
  if (settings.type === 'dataframe' && settings.pandas_orient === 'split') return tableOf(fields);
  if (settings.type === 'ndarray' && settings.format === 'tf-serving')
    return arraysOf(fields.inputs ?? fields.instances);
  return undefined;
}

function tableOf(fields: Record<string, unknown>): Example | undefined {
  const data = itemsOf(fields.data).slice(0, mostRows).map(itemsOf);
  const width = data[0]?.length ?? 0;
  if (width === 0 || width > mostValues || data.some((row) => row.length !== width)) return undefined;
  const names = itemsOf(fields.columns).map(String);
  const columns = new Map<string, unknown[]>();
  // A DataFrame without names of its own has none in the file, or numbers.
  for (let at = 0; at < width; at++) {
    columns.set(
      names[at] ?? `${at}`,
      data.map((row) => row[at]),
    );
  }
  return columns.size === width ? { kind: 'table', columns, rows: data.length } : undefined;
}

function arraysOf(inputs: unknown): Example | undefined {
  const named = Array.isArray(inputs) ? { '': inputs } : fieldsOf(inputs);
  const arrays = new Map<string, { shape: number[]; data: Value[] }>();
  for (const [name, value] of Object.entries(named)) {
    const array = arrayOf(value);
    if (array === undefined) return undefined;
    arrays.set(name, array);
  }
  return arrays.size > 0 ? { kind: 'arrays', arrays } : undefined;
}

/** The first rows of a nested list, flat; undefined when it is ragged or holds no plain values. */
function arrayOf(value: unknown): { shape: number[]; data: Value[] } | undefined {
  const shape: number[] = [];
  let data: unknown[] = [itemsOf(value).slice(0, mostRows)];
  while (Array.isArray(data[0]) && shape.length < 8) {
    const length = data[0].length;
    if (data.some((one) => itemsOf(one).length !== length)) return undefined;
    shape.push(length);
    data = data.flat(1);
    if (data.length > mostValues) return undefined;
  }
  const plain = data.filter(isValue);
  return data.length > 0 && plain.length === data.length ? { shape, data: plain } : undefined;
}

/** Whether a value can be sent as it is. */
export function isValue(value: unknown): value is Value {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}
