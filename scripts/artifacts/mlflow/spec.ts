import { fieldsOf, itemsOf, wordOf } from './values.ts';

/** An input or output of a signature (mlflow/types/schema.py). */
export type Spec = ColumnSpec | TensorSpec;

/** A column of a table. */
export interface ColumnSpec {
  kind: 'column';
  name?: string;
  /** Datatype of the Open Inference Protocol (v2). */
  datatype: string;
  /** MLServer's content type, with which it reads the values. */
  contentType: string;
  /** Two values of its type. */
  values: (number | string | boolean)[];
}

/** An array. */
export interface TensorSpec {
  kind: 'tensor';
  name?: string;
  datatype: string;
  contentType: 'np';
  /** -1 for a dimension of any size. */
  shape: number[];
}

/** MLflow's `DataType` → as MLServer reads it (mlserver_mlflow/metadata.py, `_MLflowToContentType`), and two values. */
const columnTypes: Readonly<Record<string, Omit<ColumnSpec, 'kind' | 'name'>>> = {
  boolean: { datatype: 'BOOL', contentType: 'np', values: [true, false] },
  integer: { datatype: 'INT32', contentType: 'np', values: [1, 2] },
  long: { datatype: 'INT64', contentType: 'np', values: [1, 2] },
  float: { datatype: 'FP32', contentType: 'np', values: [1, 2] },
  double: { datatype: 'FP64', contentType: 'np', values: [1, 2] },
  string: { datatype: 'BYTES', contentType: 'str', values: ['one', 'two'] },
  binary: { datatype: 'BYTES', contentType: 'base64', values: ['b25l', 'dHdv'] },
  datetime: {
    datatype: 'BYTES',
    contentType: 'datetime',
    values: ['2026-01-01T00:00:00', '2026-01-02T00:00:00'],
  },
};

/** NumPy's types → v2 (mlserver/codecs/numpy.py). */
const tensorTypes: Readonly<Record<string, string>> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
  object: 'BYTES',
  str: 'BYTES',
};

/** An item of a signature; undefined for a type that no request can be made of. */
export function specOf(item: unknown): Spec | undefined {
  const fields = fieldsOf(item);
  const name = wordOf(fields.name);
  const named = name === undefined ? {} : { name };
  const type = wordOf(fields.type) ?? '';
  if (type === 'tensor') {
    const { dtype, shape } = fieldsOf(fields['tensor-spec']);
    const datatype = tensorTypes[wordOf(dtype) ?? ''];
    const sizes = itemsOf(shape).filter((one) => typeof one === 'number' && Number.isInteger(one));
    if (datatype === undefined || sizes.length !== itemsOf(shape).length || sizes.length > 8)
      return undefined;
    return { kind: 'tensor', ...named, datatype, contentType: 'np', shape: sizes.map(Number) };
  }
  const column = Object.hasOwn(columnTypes, type) ? columnTypes[type] : undefined;
  if (column !== undefined) return { kind: 'column', ...named, ...column };
  // Values of these are JSON texts; only an example has some.
  if (['array', 'object', 'map', 'any'].includes(type))
    return { kind: 'column', ...named, datatype: 'BYTES', contentType: 'pd_json', values: [] };
  return undefined;
}
