import type { ModelReader, SmokeTest } from '../../model/types.ts';
import { sourceFrom } from '../json-file.ts';
import { readLightgbm } from '../lightgbm.ts';
import { readSklearn } from '../sklearn.ts';
import type { Column, RowsModel } from '../types.ts';
import { readXgboost } from '../xgboost.ts';
import { mlserverFile } from './model-file.ts';

/** Rows of a request: with one, an answer about the whole request would look like one about its row. */
const rows = 2;
const texts = ['a text to classify', 'another one'];

/** A request for a scikit-learn model: see `requestOf`. Undefined when its file does not say what it takes. */
export async function smokeFromSklearn(files: ModelReader): Promise<SmokeTest | undefined> {
  const path = await mlserverFile(files, ['model.joblib', 'model.pickle', 'model.pkl']);
  const source = sourceFrom(files, path);
  return requestOf(path, (source && (await readSklearn(source)))?.rows);
}

/** A request for an XGBoost model. Undefined when its file does not say what it takes. */
export async function smokeFromXgboost(files: ModelReader): Promise<SmokeTest | undefined> {
  const path = await mlserverFile(files, ['model.bst', 'model.json', 'model.ubj']);
  const source = sourceFrom(files, path);
  return requestOf(path, (source && (await readXgboost(source)))?.rows);
}

/** A request for a LightGBM model. Undefined when its file does not say what it takes. */
export async function smokeFromLightgbm(files: ModelReader): Promise<SmokeTest | undefined> {
  const path = await mlserverFile(files, ['model.bst']);
  const source = sourceFrom(files, path);
  const found = (source && (await readLightgbm(source)))?.rows;
  // MLServer passes an array to the Booster, which knows columns by their place only.
  const input = found && found.input !== 'text' ? found.input.map(({ values }) => ({ values })) : undefined;
  return requestOf(path, input && { ...found, input });
}

/**
 * A v2 request of two rows that a model takes, and any answer with a row for each. Columns with names, and those that
 * are no numbers, become inputs of their own, as MLServer's codec `pd` makes a table of them
 * (mlserver/codecs/pandas.py); others are one tensor.
 */
export function requestOf(path: string | undefined, model: RowsModel | undefined): SmokeTest | undefined {
  if (path === undefined || model === undefined) return undefined;
  const { input } = model;
  return {
    path: '/v2/models/{name}/infer',
    body: input === 'text' ? textBody() : isTable(input) ? tableBody(input) : tensorBody(input),
    expect: { read: 'outputs', rows, outputs: [] },
    from: input === 'text' ? `the texts that ${path} takes` : `the ${countOf(input)} that ${path} takes`,
  };
}

function countOf(columns: readonly Column[]): string {
  const named = columns.some(({ name }) => name !== undefined) ? 'named ' : '';
  return `${columns.length} ${named}${columns.length === 1 ? 'column' : 'columns'}`;
}

function isTable(columns: readonly Column[]): boolean {
  return columns.some(({ name, values }) => name !== undefined || typeof values[0] !== 'number');
}

/** MLServer's codec `str` makes a list of texts of them, which is what a vectorizer takes. */
function textBody(): unknown {
  const input = { name: 'texts', shape: [rows, 1], datatype: 'BYTES', data: texts };
  return { parameters: { content_type: 'str' }, inputs: [input] };
}

function tableBody(columns: readonly Column[]): unknown {
  const inputs = columns.map(({ name, values }, at) => {
    const data = valuesOf(values);
    const common = { name: name ?? `column${at}`, shape: [rows, 1] };
    if (data.every((value) => typeof value === 'number')) return { ...common, datatype: 'FP64', data };
    if (data.every((value) => typeof value === 'boolean')) return { ...common, datatype: 'BOOL', data };
    const parameters = { content_type: 'str' };
    return { ...common, datatype: 'BYTES', data: data.map(String), parameters };
  });
  return { parameters: { content_type: 'pd' }, inputs };
}

function tensorBody(columns: readonly Column[]): unknown {
  const perColumn = columns.map(({ values }) => valuesOf(values));
  const data = Array.from({ length: rows }, (_, row) => perColumn.map((column) => column[row])).flat();
  return { inputs: [{ name: 'rows', shape: [rows, columns.length], datatype: 'FP32', data }] };
}

/** A column's value in each row. */
function valuesOf(values: Column['values']): (number | string | boolean)[] {
  return Array.from({ length: rows }, (_, row) => values[row % values.length] ?? 0);
}
