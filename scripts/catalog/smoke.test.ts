import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelcarsError } from '../errors.ts';
import { isModel } from '../model/catalog-entry.ts';
import type { ModelSmoke } from '../model/types.ts';
import { loadCatalog } from './load.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-smoke-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `smoke:` of a model, as YAML in flow style, and of the defaults. */
async function load(smoke?: string, defaults?: string): Promise<ModelSmoke | false | undefined> {
  const lines = [
    ...(defaults === undefined ? [] : [`defaults: {smoke: ${defaults}}`]),
    'models:',
    '  - name: churn',
    '    framework: sklearn',
    '    source: file:churn.joblib',
    ...(smoke === undefined ? [] : [`    smoke: ${smoke}`]),
  ];
  const file = join(folder, 'models.yaml');
  await writeFile(file, `${lines.join('\n')}\n`);
  const [model] = (await loadCatalog(file)).models;
  if (model === undefined || !isModel(model)) throw new Error('no model');
  return model.smoke;
}

async function complaint(smoke: string): Promise<string> {
  const error = await load(smoke).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ModelcarsError)) throw new Error(`accepted ${smoke}`);
  return error.message;
}

describe('smoke: of a model', () => {
  it.each<[string, ModelSmoke | false]>([
    ['false', false],
    ['{rows: [[1, 2.5]]}', { rows: [[1, 2.5]] }],
    ['{rows: [[1], [2]], expect: {classes: [0, 1]}}', { rows: [[1], [2]], expect: { classes: [0, 1] } }],
    ['{columns: {age: [39], city: [Bonn]}}', { columns: { age: [39], city: ['Bonn'] } }],
    ['{inputs: data/request.npy, expect: any}', { inputs: 'data/request.npy', expect: 'any' }],
    [
      '{inputs: [{name: x, datatype: FP32, data: [[1, 2]]}], expect: {outputs: [{shape: [1, null]}]}}',
      {
        inputs: [{ name: 'x', datatype: 'FP32', data: [[1, 2]] }],
        expect: { outputs: [{ shape: [1, null] }] },
      },
    ],
    ['{prompt: Hello, expect: {matches: "[a-z]"}}', { prompt: 'Hello', expect: { matches: '[a-z]' } }],
    [
      '{messages: [{role: user, content: Hello}], parameters: {max_tokens: 4}}',
      { messages: [{ role: 'user', content: 'Hello' }], parameters: { max_tokens: 4 } },
    ],
    ['{input: [a, b], expect: {size: 384}}', { input: ['a', 'b'], expect: { size: 384 } }],
    [
      '{instances: [{a: 1}], expect: {predictions: [1], tolerance: 0.1}}',
      { instances: [{ a: 1 }], expect: { predictions: [1], tolerance: 0.1 } },
    ],
  ])('is %s', async (smoke, expected) => {
    expect(await load(smoke)).toEqual(expected);
  });

  it('is that of the defaults when it has none', async () => {
    expect(await load(undefined, 'false')).toBe(false);
    expect(await load('{rows: [[1]]}', 'false')).toEqual({ rows: [[1]] });
    expect(await load()).toBeUndefined();
  });

  it.each([
    ['true', '5:12: `smoke`: expected `false` or a request, as in `{rows: [[1, 2]]}`, got the boolean true'],
    ['{rows: [[1, a]]}', '5:24: `smoke.rows[0][1]`: expected a number, got `a`'],
    ['{row: [[1]]}', '5:13: unknown key `row`; did you mean `rows`?'],
    ['{}', '5:12: `smoke`: expected one of inputs, rows, columns,'],
    [
      '{rows: [[1]], prompt: a}',
      '`smoke`: expected one of inputs, rows, columns, instances, prompt, messages or input, got rows and prompt',
    ],
    ['{rows: [[1]], expect: {clases: [1]}}', 'unknown key `clases`; did you mean `classes`?'],
    ['{rows: [[1]], expect: {matches: a}}', '`smoke.expect.matches`: does not fit `rows`; expected classes,'],
    [
      '{rows: [[1]], expect: {classes: [1], scores: [1]}}',
      '`smoke.expect`: expected one of classes and scores, got both',
    ],
    [
      '{prompt: a, expect: {matches: "("}}',
      '`smoke.expect.matches`: expected a regular expression, got `(` (Unterminated group)',
    ],
    ['{inputs: ../x.json}', '`smoke.inputs`: expected a path relative to models.yaml'],
    ['{inputs: x.txt}', 'that ends in .json, .csv or .npy, got `x.txt`'],
    [
      '{inputs: [{name: x, data: [1], datatype: FLOAT}]}',
      '`smoke.inputs[0].datatype`: expected one of BOOL,',
    ],
    ['{rows: [[1]], path: v2}', '`smoke.path`: expected a path such as `/v2/models/{name}/infer`, got `v2`'],
  ])('is refused as %s, with its place', async (smoke, expected) => {
    expect(await complaint(smoke)).toContain(expected);
  });
});
