import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gguf } from '../../../tests/support/gguf.ts';
import { field } from '../../../tests/support/model-files.ts';
import type { ModelReader } from '../../model/types.ts';
import { readCatboost } from '../catboost.ts';
import { readSavedModel } from '../saved-model.ts';
import { catboostLibraries, smokeFromCatboost } from './catboost.ts';
import { smokeFromGguf } from './gguf.ts';
import { smokeFromPmml } from './pmml.ts';
import { savedModelLibraries, smokeFromSavedModel } from './saved-model.ts';

const sample = (path: string) => readFileSync(new URL(`../../../frameworks/${path}`, import.meta.url));

function reader(files: Record<string, Buffer>): ModelReader {
  return {
    paths: Object.keys(files),
    size: (path) => files[path]?.length,
    read: async (path, offset, length) => files[path]?.subarray(offset, offset + length) ?? Buffer.alloc(0),
  };
}

const source = (bytes: Buffer) => ({
  size: bytes.length,
  read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
});

describe('CatBoost', () => {
  const model = sample('catboost/model.cbm');

  it('a classifier gets rows of as many numbers as it has columns', async () => {
    expect(await smokeFromCatboost(reader({ 'model.cbm': model }))).toEqual({
      path: '/v2/models/{name}/infer',
      body: { inputs: [expect.objectContaining({ shape: [2, 4], datatype: 'FP32' })] },
      expect: { read: 'outputs', rows: 2, outputs: [] },
      from: 'the 4 columns that model.cbm takes',
    });
    expect(await catboostLibraries(reader({ 'model.cbm': model }))).toEqual({ catboost: '1.2.7' });
  });

  it('one without classes is refused, with the way to serve it', async () => {
    const bare = Buffer.from(model.toString('latin1').replace('class_params', 'class_parems'), 'latin1');
    await expect(smokeFromCatboost(reader({ 'model.cbm': bare }))).rejects.toMatchObject({
      message: expect.stringContaining('knows no classes'),
      next: expect.stringContaining('onnx-triton'),
    });
  });

  it('hostile bytes say nothing, and never more than is there', async () => {
    expect(await readCatboost(source(Buffer.from('CBM2')))).toBeUndefined();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(model.length - 1), fc.nat(255)), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 4, max: model.length }),
        async (changes, length) => {
          const changed = Buffer.from(model.subarray(0, length));
          for (const [at, value] of changes) if (at < length) changed[at] = value;
          const found = await readCatboost(source(changed));
          if (found !== undefined) expect(found.rows.input.length).toBeLessThan(20_001);
        },
      ),
    );
  });
});

describe('SavedModel', () => {
  const dimensions = (...sizes: number[]) =>
    Buffer.concat(sizes.map((size) => field(2, size === -1 ? minusOne() : field(1, size))));
  /** `Dim{size: -1}`: a negative number takes ten bytes. */
  const minusOne = () => Buffer.from([0x08, ...new Array(9).fill(0xff), 0x01]);
  const input = (name: string, type: number, ...sizes: number[]) => {
    const tensor = Buffer.concat([field(1, `${name}:0`), field(2, type), field(3, dimensions(...sizes))]);
    return field(1, Buffer.concat([field(1, name), field(2, tensor)]));
  };
  const saved = (key: string, ...inputs: Buffer[]) => {
    const entry = field(5, Buffer.concat([field(1, key), field(2, Buffer.concat(inputs))]));
    return Buffer.concat([field(1, 1), field(2, Buffer.concat([field(2, 'a graph'), entry]))]);
  };
  const smoke = (bytes: Buffer) => smokeFromSavedModel(reader({ '1/saved_model.pb': bytes }));

  it('of one input gets instances without its name, of the highest version', async () => {
    const files = {
      '1/saved_model.pb': Buffer.alloc(9),
      '12/saved_model.pb': sample('tensorflow/saved_model.pb'),
    };
    expect(await smokeFromSavedModel(reader(files))).toEqual({
      path: '/v1/models/{name}:predict',
      body: {
        instances: [
          [1, 1, 1, 1],
          [1, 1, 1, 1],
        ],
      },
      expect: { read: 'predictions', rows: 2 },
      from: 'the signature of 12/saved_model.pb',
    });
    expect(await savedModelLibraries(reader(files))).toEqual({ tensorflow: '2.6.2' });
  });

  it('of several inputs gets their names, texts and open lengths', async () => {
    const bytes = saved(
      'serving_default',
      input('text', 7, -1),
      input('ids', 9, -1, -1),
      input('x', 1, -1, 2, 1),
    );
    const one = { text: 'a text', ids: new Array(8).fill(1), x: [[1], [1]] };
    expect((await smoke(bytes))?.body).toEqual({ instances: [one, one] });
  });

  it.each([
    ['another signature', saved('train', input('x', 1, -1, 4))],
    ['a fixed number of instances', saved('serving_default', input('x', 1, 8, 4))],
    ['a type that JSON cannot carry', saved('serving_default', input('x', 19, -1, 4))],
    ['an image beyond all limits', saved('serving_default', input('x', 1, -1, 100_000, 100_000, 3))],
    ['no protobuf', Buffer.from('no protobuf')],
  ])('with %s gets none', async (_, bytes) => expect(await smoke(bytes)).toBeUndefined());

  it('hostile bytes never throw', async () => {
    const bytes = saved('serving_default', input('x', 1, -1, 4));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        await readSavedModel(source(changed));
      }),
    );
  });
});

describe('PMML', () => {
  const pmml = (dictionary: string, schema: string) =>
    smokeFromPmml(
      reader({
        'model.pmml': Buffer.from(
          `<PMML><DataDictionary numberOfFields="3">${dictionary}</DataDictionary><TreeModel><MiningSchema>${schema}</MiningSchema><Node/></TreeModel></PMML>`,
        ),
      }),
    );

  it('gets rows in the order of its schema: numbers, stated values, texts', async () => {
    const dictionary = [
      '<DataField name="city" optype="categorical" dataType="string"/>',
      '<DataField name="age" optype="continuous" dataType="double"><Interval closure="closedOpen"/></DataField>',
      `<DataField dataType='integer' name='a &lt; b'><Value value="7"/><Value value="-1" property="missing"/></DataField>`,
      '<DataField name="y" dataType="string"/>',
    ].join('');
    const schema =
      '<MiningField name="y" usageType="target"/><!-- <MiningField name="no"/> --><MiningField name="age"/>' +
      '<MiningField name="a &lt; b" usageType="active"/><MiningField name="city"></MiningField>';
    expect(await pmml(dictionary, schema)).toEqual({
      path: '/v1/models/{name}:predict',
      body: {
        instances: [
          [1, 7, 'a'],
          [2, 7, 'b'],
        ],
      },
      expect: { read: 'predictions', rows: 2 },
      from: 'the 3 fields that model.pmml takes',
    });
  });

  it.each([
    [
      'a field that the dictionary lacks',
      '<DataField name="x" dataType="double"/>',
      '<MiningField name="z"/>',
    ],
    ['no field', '', '<MiningField name="y" usageType="target"/>'],
  ])('with %s gets none', async (_, dictionary, schema) => {
    expect(await pmml(dictionary, schema)).toBeUndefined();
  });

  it('without a schema, or hostile, gets none, and soon', async () => {
    const schema = '</DataDictionary><MiningSchema><MiningField name="x"/></MiningSchema>';
    for (const text of [
      '<PMML/>',
      '<DataField '.repeat(90_000),
      `<DataDictionary>${'<DataField>'.repeat(80_000)}${schema}`,
      `<DataField name="x" ${'"'.repeat(900_000)}`,
    ])
      expect(await smokeFromPmml(reader({ 'model.pmml': Buffer.from(text) }))).toBeUndefined();
  });
});

describe('GGUF', () => {
  it('a generator gets a completion, also by its first part', async () => {
    const request = { path: '/v1/completions', expect: { read: 'text', maxTokens: 16 } };
    expect(await smokeFromGguf(reader({ 'model.gguf': sample('gguf/model.gguf') }))).toMatchObject(request);
    const part = gguf({ 'split.no': { u16: 0 }, 'split.count': { u16: 2 } });
    const files = { 'x-00001-of-00002.gguf': part, 'x-00002-of-00002.gguf': Buffer.alloc(0) };
    expect(await smokeFromGguf(reader(files))).toMatchObject(request);
  });

  it.each([[gguf({ 'qwen3.pooling_type': { u32: 3 } })], [gguf({ 'general.architecture': 'nomic-bert' })]])(
    'a model for embeddings gets texts to embed',
    async (bytes) => {
      expect(await smokeFromGguf(reader({ 'model.gguf': bytes }))).toMatchObject({
        path: '/v1/embeddings',
        expect: { read: 'embeddings', count: 2 },
      });
    },
  );

  it('a damaged file gets none', async () => {
    expect(await smokeFromGguf(reader({ 'model.gguf': gguf().subarray(0, 60) }))).toBeUndefined();
    expect(await smokeFromGguf(reader({ 'mmproj.gguf': gguf() }))).toBeUndefined();
  });
});
