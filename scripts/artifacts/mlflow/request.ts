import type { ModelReader, OutputsExpectation, SmokeTest } from '../../model/types.ts';
import { type Example, exampleOf, isValue, type Value } from './example.ts';
import { type MlflowModel, readMlflow } from './model-file.ts';
import type { ColumnSpec, Spec, TensorSpec } from './spec.ts';

/** An input of a v2 request. */
interface Input {
  name: string;
  shape: number[];
  datatype: string;
  data: Value[];
  parameters?: { content_type: string };
}

/** A v2 request's inputs; `rows` unless the inputs disagree. */
interface Request {
  inputs: Input[];
  rows?: number;
  /** MLServer's content type of the whole, where no signature tells it. */
  contentType?: string;
  from: string;
}

/** Flavors whose models answer a row for each row. */
const rowWise = ['sklearn', 'xgboost', 'lightgbm', 'catboost', 'statsmodels', 'tensorflow', 'keras'];
/** Values of an array that is made up. */
const mostValues = 1_000_000;

/**
 * A request made from a model's signature and input example (MLmodel), for MLServer's MLflow runtime; undefined when it
 * has neither, or inputs of unknown size. Without an example, its values are made up, and a model may refuse them.
 */
export async function mlflowRequest(files: ModelReader): Promise<SmokeTest | undefined> {
  const model = await readMlflow(files);
  if (model === undefined) return undefined;
  const request = bySignature(model) ?? byExample(exampleOf(model));
  if (request === undefined) return undefined;
  const { inputs, contentType, from } = request;
  return {
    path: '/v2/models/{name}/infer',
    body: { ...(contentType !== undefined && { parameters: { content_type: contentType } }), inputs },
    expect: expectationOf(model, request.rows),
    from,
  };
}

function bySignature(model: MlflowModel): Request | undefined {
  const { inputs: specs } = model;
  if (specs === undefined) return undefined;
  const example = exampleOf(model);
  const inputs = specs.map((spec, at) => inputOf(spec, at, specs.length, example));
  if (!inputs.every((one) => one !== undefined)) return undefined;
  const rows = new Set(inputs.map(({ shape }) => shape[0]));
  const [first] = rows;
  const what = specs[0]?.kind === 'column' ? 'column' : 'array';
  const count = `${specs.length} ${what}${specs.length === 1 ? '' : 's'} of MLmodel's signature`;
  return {
    inputs,
    ...(rows.size === 1 && first !== undefined && { rows: first }),
    from: example === undefined ? count : `${count}, with the values of its input example`,
  };
}

function inputOf(spec: Spec, at: number, count: number, example: Example | undefined): Input | undefined {
  // The name that MLServer gives to one without (mlserver_mlflow/metadata.py, `DefaultInputPrefix`).
  const { name = `input-${at}`, datatype, contentType } = spec;
  if (spec.kind === 'column') {
    const data = valuesOf(spec, at, example);
    // MLServer takes the others from the signature, and this one from the request alone (mlserver/codecs/pandas.py).
    const parameters = contentType === 'pd_json' ? { content_type: contentType } : undefined;
    return data && { name, shape: [data.length, 1], datatype, data, ...(parameters && { parameters }) };
  }
  const given = example?.kind === 'arrays' ? example.arrays : undefined;
  const array = given?.get(spec.name ?? '') ?? (count === 1 ? [...(given?.values() ?? [])][0] : undefined);
  const { shape, data } = array !== undefined && fits(spec, array.shape) ? array : (madeUp(spec) ?? {});
  return shape && data && { name, shape, datatype, data };
}

/** A column's values: those of the example unless it lacks one, otherwise two that are made up. */
function valuesOf(spec: ColumnSpec, at: number, example: Example | undefined): Value[] | undefined {
  const { contentType, values } = spec;
  const table = example?.kind === 'table' ? example : undefined;
  // All columns have the same number of rows.
  const rows = table?.rows ?? 2;
  const given = table?.columns.get(spec.name ?? `${at}`);
  if (given !== undefined && contentType === 'pd_json') return given.map((one) => JSON.stringify(one));
  if (given?.every(isValue)) return given;
  if (values.length === 0) return undefined;
  return Array.from({ length: rows }, (_, row) => values[row % values.length] ?? 0);
}

function fits(spec: TensorSpec, shape: readonly number[]): boolean {
  const same = spec.shape.length === shape.length;
  return same && spec.shape.every((length, at) => length === -1 || at === 0 || length === shape[at]);
}

/** Two rows of ones; undefined when another dimension than the first may have any size. */
function madeUp({ shape, datatype }: TensorSpec): { shape: number[]; data: Value[] } | undefined {
  const sizes = shape.map((length, at) => (at === 0 && length === -1 ? 2 : length));
  const count = sizes.reduce((product, length) => product * length, 1);
  if (sizes.some((length) => length < 1) || count > mostValues) return undefined;
  const value = datatype === 'BYTES' ? 'one' : datatype === 'BOOL' ? true : 1;
  return { shape: sizes, data: Array.from({ length: count }, () => value) };
}

/** Of a model without a signature: MLServer has to be told what to make of the inputs. */
function byExample(example: Example | undefined): Request | undefined {
  if (example?.kind === 'table') {
    const inputs = [...example.columns].map(([name, values]) => columnOf(name, values));
    if (!inputs.every((one) => one !== undefined)) return undefined;
    return { inputs, rows: example.rows, contentType: 'pd', from: "MLmodel's input example" };
  }
  const [only, ...others] = example === undefined ? [] : [...example.arrays.values()];
  if (only === undefined || others.length > 0 || !only.data.every((one) => typeof one === 'number'))
    return undefined;
  const { shape, data } = only;
  const inputs = [{ name: 'input-0', shape, datatype: 'FP64', data }];
  return {
    inputs,
    ...(shape[0] !== undefined && { rows: shape[0] }),
    contentType: 'np',
    from: "MLmodel's input example",
  };
}

function columnOf(name: string, values: readonly unknown[]): Input | undefined {
  const data = values.filter(isValue);
  if (data.length !== values.length) return undefined;
  const shape = [data.length, 1];
  if (data.every((one) => typeof one === 'string'))
    return { name, shape, datatype: 'BYTES', data, parameters: { content_type: 'str' } };
  if (data.every((one) => typeof one === 'boolean')) return { name, shape, datatype: 'BOOL', data };
  return data.every((one) => typeof one === 'number') ? { name, shape, datatype: 'FP64', data } : undefined;
}

/** Any valid answer; of a model that answers row by row, with as many rows and columns as it says. */
function expectationOf({ flavors, outputs }: MlflowModel, rows: number | undefined): OutputsExpectation {
  if (rows === undefined || !rowWise.some((name) => flavors.has(name)))
    return { read: 'outputs', outputs: [] };
  const [output, ...others] = outputs ?? [];
  const isArray = output?.kind === 'tensor' && output.shape[0] === -1 && output.shape.length > 1;
  if (!isArray || others.length > 0) return { read: 'outputs', rows, outputs: [] };
  const shape = output.shape.map((length, at) => (at === 0 ? rows : length === -1 ? null : length));
  return { read: 'outputs', rows, outputs: [{ shape }] };
}
