import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { ModelReader } from '../../model/types.ts';
import { packageFile } from '../../package.ts';
import { librariesOfMlflow } from './libraries.ts';
import { mlflowRequest } from './request.ts';

/** A model of these files. */
function reader(files: Record<string, string>): ModelReader {
  const bytes = new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));
  return {
    paths: [...bytes.keys()],
    size: (path) => bytes.get(path)?.length,
    read: async (path, offset, length) =>
      bytes.get(path)?.subarray(offset, offset + length) ?? Buffer.alloc(0),
  };
}

interface Written {
  inputs?: object[];
  outputs?: object[];
  example?: { info: object; content: unknown };
  flavor?: string;
}

/** A model as MLflow writes it: signatures are JSON texts in the YAML. */
function model({ inputs, outputs, example, flavor = 'sklearn' }: Written): ModelReader {
  const signature = {
    inputs: inputs && JSON.stringify(inputs),
    outputs: outputs ? JSON.stringify(outputs) : null,
    params: null,
  };
  const MLmodel = stringify({
    flavors: { python_function: { loader_module: `mlflow.${flavor}` }, [flavor]: {} },
    ...(inputs && { signature }),
    ...(example && {
      saved_input_example_info: { artifact_path: 'input_example.json', ...example.info },
    }),
  });
  return reader({ MLmodel, ...(example && { 'input_example.json': JSON.stringify(example.content) }) });
}

const table = { type: 'dataframe', pandas_orient: 'split' };
const arrays = { type: 'ndarray', format: 'tf-serving' };

describe('a table', () => {
  test('has an input per column, by name, of the type that MLServer reads it with', async () => {
    const inputs = [
      { type: 'double', name: 'income', required: true },
      { type: 'string', name: 'city', required: true },
      { type: 'long', required: true },
      { type: 'datetime', name: 'since' },
    ];
    const smoke = await mlflowRequest(model({ inputs }));
    const shape = [2, 1];
    expect(smoke?.body).toEqual({
      inputs: [
        { name: 'income', shape, datatype: 'FP64', data: [1, 2] },
        { name: 'city', shape, datatype: 'BYTES', data: ['one', 'two'] },
        { name: 'input-2', shape, datatype: 'INT64', data: [1, 2] },
        {
          name: 'since',
          shape,
          datatype: 'BYTES',
          data: ['2026-01-01T00:00:00', '2026-01-02T00:00:00'],
        },
      ],
    });
    expect(smoke?.path).toBe('/v2/models/{name}/infer');
    expect(smoke?.from).toBe("4 columns of MLmodel's signature");
    expect(smoke?.expect).toEqual({ read: 'outputs', rows: 2, outputs: [] });
  });

  test('has the values of the input example, and made-up ones for a column with a gap', async () => {
    const inputs = [
      { type: 'double', name: 'income' },
      { type: 'double', name: 'debt' },
      { type: 'array', items: { type: 'long' }, name: 'visits' },
    ];
    // MLflow writes the columns in the order of the DataFrame.
    const content = {
      columns: ['debt', 'income', 'visits'],
      data: [
        [null, 10.5, [1, 2]],
        [7, 11, [3]],
        [8, 12, []],
      ],
    };
    const smoke = await mlflowRequest(model({ inputs, example: { info: table, content } }));
    const shape = [3, 1];
    expect(smoke?.body).toEqual({
      inputs: [
        { name: 'income', shape, datatype: 'FP64', data: [10.5, 11, 12] },
        { name: 'debt', shape, datatype: 'FP64', data: [1, 2, 1] },
        {
          name: 'visits',
          shape,
          datatype: 'BYTES',
          data: ['[1,2]', '[3]', '[]'],
          parameters: { content_type: 'pd_json' },
        },
      ],
    });
    expect(smoke?.from).toBe("3 columns of MLmodel's signature, with the values of its input example");
  });

  test('without a signature tells MLServer what it is', async () => {
    const content = {
      columns: ['city', 'age'],
      data: [
        ['Bern', 4],
        ['Rome', 5],
      ],
    };
    const smoke = await mlflowRequest(model({ example: { info: table, content } }));
    expect(smoke?.body).toEqual({
      parameters: { content_type: 'pd' },
      inputs: [
        {
          name: 'city',
          shape: [2, 1],
          datatype: 'BYTES',
          data: ['Bern', 'Rome'],
          parameters: { content_type: 'str' },
        },
        { name: 'age', shape: [2, 1], datatype: 'FP64', data: [4, 5] },
      ],
    });
  });

  test('sends the first rows of an example that is a whole data set', async () => {
    const content = { columns: ['a'], data: Array.from({ length: 5000 }, (_, row) => [row]) };
    const inputs = [{ type: 'long', name: 'a' }];
    const smoke = await mlflowRequest(model({ inputs, example: { info: table, content } }));
    expect(smoke?.body).toEqual({
      inputs: [{ name: 'a', shape: [4, 1], datatype: 'INT64', data: [0, 1, 2, 3] }],
    });
  });
});

describe('arrays', () => {
  const tensor = (shape: number[], dtype = 'float32', name?: string) => ({
    type: 'tensor',
    'tensor-spec': { dtype, shape },
    ...(name !== undefined && { name }),
  });

  test('have the shape and type of the signature, two rows of any number', async () => {
    const inputs = [tensor([-1, 2, 2]), tensor([-1, 1], 'int64', 'ids')];
    const smoke = await mlflowRequest(model({ inputs, outputs: [tensor([-1, 10])], flavor: 'keras' }));
    expect(smoke?.body).toEqual({
      inputs: [
        { name: 'input-0', shape: [2, 2, 2], datatype: 'FP32', data: [1, 1, 1, 1, 1, 1, 1, 1] },
        { name: 'ids', shape: [2, 1], datatype: 'INT64', data: [1, 1] },
      ],
    });
    expect(smoke?.expect).toEqual({ read: 'outputs', rows: 2, outputs: [{ shape: [2, 10] }] });
  });

  test('have the values of the input example where it fits', async () => {
    const example = { info: arrays, content: { inputs: [[1.5, 2, 3]] } };
    const fitting = await mlflowRequest(model({ inputs: [tensor([-1, -1], 'float64')], example }));
    expect(fitting?.body).toMatchObject({ inputs: [{ shape: [1, 3], data: [1.5, 2, 3] }] });
    const other = await mlflowRequest(model({ inputs: [tensor([-1, 2], 'float64')], example }));
    expect(other?.body).toMatchObject({ inputs: [{ shape: [2, 2], data: [1, 1, 1, 1] }] });
  });

  test('of unknown size are not made up', async () => {
    expect(await mlflowRequest(model({ inputs: [tensor([-1, -1])] }))).toBeUndefined();
    expect(await mlflowRequest(model({ inputs: [tensor([-1, 1e6, 1e6])] }))).toBeUndefined();
  });

  test('a model of unknown code answers as it likes', async () => {
    const smoke = await mlflowRequest(model({ inputs: [tensor([-1, 2])], flavor: 'own' }));
    expect(smoke?.expect).toEqual({ read: 'outputs', outputs: [] });
  });
});

test('the sample says what its smoke request is made of: 13 columns of two wines', async () => {
  const folder = packageFile('frameworks/mlflow/model');
  const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]);
  const smoke = await mlflowRequest(reader(Object.fromEntries(files)));
  const inputs = (smoke?.body as { inputs: object[] } | undefined)?.inputs ?? [];
  expect(inputs).toHaveLength(13);
  expect(inputs[11]).toMatchObject({ name: 'od280/od315_of_diluted_wines', data: [3.92, 3.4] });
});

test('libraries are what the flavors note, and of requirements.txt what pickles hold', async () => {
  const MLmodel = 'flavors: {python_function: {python_version: 3.11.7}, sklearn: {sklearn_version: 1.7.2}}';
  const requirements =
    'mlflow==3.1.0\nnumpy==2.2.1\nscikit_learn[extra]==1.7.1 ; python_version > "3"\npsutil==7.0.0\n';
  expect(await librariesOfMlflow(reader({ MLmodel, 'requirements.txt': requirements }))).toEqual({
    numpy: '2.2.1',
    'scikit-learn': '1.7.2',
  });
  expect(await librariesOfMlflow(reader({}))).toEqual({});
});

test.each([
  ['no MLmodel', {}],
  ['broken YAML', { MLmodel: 'flavors: [' }],
  ['a text', { MLmodel: 'hello' }],
  ['no flavor', { MLmodel: 'flavors: {}\nsignature: {inputs: "[]"}' }],
  ['a signature that is no JSON', { MLmodel: 'flavors: {sklearn: {}}\nsignature: {inputs: "["}' }],
  ['a type from the future', { MLmodel: `flavors: {a: {}}\nsignature: {inputs: '[{"type":"quantum"}]'}` }],
  ['a type of every object', { MLmodel: `flavors: {a: {}}\nsignature: {inputs: '[{"type":"toString"}]'}` }],
  ['aliases without end', { MLmodel: bomb() }],
])('makes no request of %s', async (_, files: Record<string, string>) => {
  expect(await mlflowRequest(reader(files))).toBeUndefined();
});

/** A "billion laughs": each anchor repeats the one before nine times. */
function bomb(): string {
  const lines = ['a0: &a0 [x, x]'];
  for (let at = 1; at < 12; at++) {
    lines.push(`a${at}: &a${at} [${Array.from({ length: 9 }, () => `*a${at - 1}`).join(', ')}]`);
  }
  return [...lines, 'flavors: {a: *a11}'].join('\n');
}
