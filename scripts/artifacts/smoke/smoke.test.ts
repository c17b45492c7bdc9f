import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { onnxModel, tensor } from '../../../tests/support/onnx-bytes.ts';
import * as p from '../../../tests/support/pickles.ts';
import type { ModelReader } from '../../model/types.ts';
import { smokeFromTransformers } from './language.ts';
import { smokeFromOnnx, smokeFromTriton } from './onnx.ts';
import { requestOf, smokeFromLightgbm, smokeFromSklearn, smokeFromXgboost } from './rows.ts';

function model(files: Record<string, Buffer | string>): ModelReader {
  const bytes = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
  return {
    paths: [...bytes.keys()].sort(),
    size: (path) => bytes.get(path)?.length,
    read: async (path, offset, length) =>
      bytes.get(path)?.subarray(offset, offset + length) ?? Buffer.alloc(0),
  };
}

const sample = async (framework: string, file: string) =>
  await readFile(new URL(`../../../frameworks/${framework}/${file}`, import.meta.url));
const numbers = { values: [1, 2] };

describe('rows', () => {
  it('columns without names are one tensor, row after row', () => {
    const smoke = requestOf('model.joblib', {
      input: [{ values: [1, 2] }, { values: [7] }, { values: [3, 4] }],
    });
    expect(smoke).toEqual({
      path: '/v2/models/{name}/infer',
      body: { inputs: [{ name: 'rows', shape: [2, 3], datatype: 'FP32', data: [1, 7, 3, 2, 7, 4] }] },
      expect: { read: 'outputs', rows: 2, outputs: [] },
      from: 'the 3 columns that model.joblib takes',
    });
  });

  it('columns with names are inputs of their own, which MLServer’s codec pd makes a table of', () => {
    const input = [
      { name: 'age', ...numbers },
      { name: 'city', values: ['Rome'] },
      { name: 'member', values: [false, true] },
    ];
    expect(requestOf('model.joblib', { input })).toMatchObject({
      body: {
        parameters: { content_type: 'pd' },
        inputs: [
          { name: 'age', shape: [2, 1], datatype: 'FP64', data: [1, 2] },
          {
            name: 'city',
            shape: [2, 1],
            datatype: 'BYTES',
            data: ['Rome', 'Rome'],
            parameters: { content_type: 'str' },
          },
          { name: 'member', shape: [2, 1], datatype: 'BOOL', data: [false, true] },
        ],
      },
      from: 'the 3 named columns that model.joblib takes',
    });
  });

  it('a vectorizer gets texts', () => {
    expect(requestOf('model.joblib', { input: 'text' })).toMatchObject({
      body: { parameters: { content_type: 'str' }, inputs: [{ datatype: 'BYTES', shape: [2, 1] }] },
    });
  });

  it('the samples get requests of their four columns', async () => {
    const joblib = model({ 'model.joblib': await sample('sklearn', 'model.joblib') });
    const xgboost = model({ 'model.bst': await sample('xgboost', 'model.bst') });
    const lightgbm = model({ 'model.bst': await sample('lightgbm', 'model.bst') });
    for (const smoke of [
      await smokeFromSklearn(joblib),
      await smokeFromXgboost(xgboost),
      await smokeFromLightgbm(lightgbm),
    ])
      expect(smoke?.body).toMatchObject({ inputs: [{ shape: [2, 4], datatype: 'FP32' }] });
  });

  it('model-settings.json names the file', async () => {
    const other = p.file(p.object('sklearn.svm', 'SVC', { n_features_in_: p.int(3) }));
    const files = {
      'model.joblib': await sample('sklearn', 'model.joblib'),
      'other.pkl': other,
      'model-settings.json': JSON.stringify({ parameters: { uri: './other.pkl' } }),
    };
    expect((await smokeFromSklearn(model(files)))?.from).toBe('the 3 columns that other.pkl takes');
  });

  it('says nothing without the file, or where the file says nothing', async () => {
    expect(await smokeFromSklearn(model({}))).toBeUndefined();
    expect(await smokeFromSklearn(model({ 'model.joblib': 'no pickle' }))).toBeUndefined();
    expect(await smokeFromXgboost(model({ 'model.bst': '{}' }))).toBeUndefined();
    expect(await smokeFromLightgbm(model({ 'model.bst': '' }))).toBeUndefined();
  });
});

describe('ONNX', () => {
  it('chooses one size for a symbol, and expects the type and rank of the outputs', async () => {
    const graph = onnxModel(
      [
        tensor('input_ids', 7, ['batch', 'length']),
        tensor('token_type_ids', 7, ['batch', 'length']),
        tensor('scale', 1, [1]),
      ],
      [tensor('logits', 1, ['batch', 3]), tensor('state', 1, ['other', 'length', 384])],
    );
    expect(await smokeFromOnnx(model({ '1/model.onnx': graph }))).toEqual({
      path: '/v2/models/{name}/infer',
      body: {
        inputs: [
          { name: 'input_ids', shape: [2, 8], datatype: 'INT64', data: new Array(16).fill(1) },
          { name: 'token_type_ids', shape: [2, 8], datatype: 'INT64', data: new Array(16).fill(0) },
          { name: 'scale', shape: [1], datatype: 'FP32', data: [1] },
        ],
      },
      expect: {
        read: 'outputs',
        outputs: [
          { name: 'logits', datatype: 'FP32', shape: [2, 3] },
          { name: 'state', datatype: 'FP32', shape: [null, null, 384] },
        ],
      },
      from: 'the 3 inputs of the graph in 1/model.onnx',
    });
  });

  it('asks for one image', async () => {
    const graph = onnxModel([tensor('x', 1, [null, 3, null, null])], [tensor('y', 1, [1, 1000])]);
    expect((await smokeFromOnnx(model({ '1/a.onnx': graph })))?.body).toMatchObject({
      inputs: [{ shape: [1, 3, 224, 224] }],
    });
  });

  it('takes the highest version, and in Triton the folder’s name', async () => {
    const graph = (columns: number) => onnxModel([tensor('x', 1, ['n', columns])], [tensor('y', 1, ['n'])]);
    const found = await smokeFromOnnx(model({ '2/a.onnx': graph(2), '10/a.onnx': graph(10) }));
    expect(found?.from).toBe('the input of the graph in 10/a.onnx');
    expect(found?.body).toMatchObject({ inputs: [{ shape: [2, 10] }] });
    const triton = await smokeFromTriton(model({ 'churn/1/model.onnx': graph(5) }));
    expect(triton).toMatchObject({ path: '/v2/models/churn/infer', body: { inputs: [{ shape: [2, 5] }] } });
  });

  it('sends and expects rows of one value as Triton does: as a column, where the graph takes batches', async () => {
    const word = tensor('word', 8, ['n']);
    const triton = async (...graph: Parameters<typeof onnxModel>) => {
      const found = await smokeFromTriton(model({ 'm/1/model.onnx': onnxModel(...graph) }));
      return found as { body: { inputs: object[] }; expect: { outputs: object[] } } | undefined;
    };
    const batches = await triton([word, tensor('x', 1, ['n', 4])], [tensor('label', 7, ['n'])]);
    expect(batches?.body.inputs).toMatchObject([{ shape: [2, 1] }, { shape: [2, 4] }]);
    expect(batches?.expect.outputs).toEqual([{ name: 'label', datatype: 'INT64', shape: [2, 1] }]);
    const fixed = await triton([word, tensor('x', 1, ['n', 4])], [tensor('label', 7, [2])]);
    expect(fixed?.body.inputs).toMatchObject([{ shape: [2] }, { shape: [2, 4] }]);
    const single = await smokeFromOnnx(model({ '1/a.onnx': onnxModel([word], [tensor('y', 1, ['n'])]) }));
    expect(single).toMatchObject({
      body: { inputs: [{ shape: [2] }] },
      expect: { outputs: [{ shape: [2] }] },
    });
  });

  it.each([
    ['half precision, which JSON cannot hold', onnxModel([tensor('x', 10, [1])], [tensor('y', 1, [1])])],
    ['a huge input', onnxModel([tensor('x', 1, [1, 3, 100_000, 100_000])], [tensor('y', 1, [1])])],
    ['no input', onnxModel([], [tensor('y', 1, [1])])],
    ['a damaged file', Buffer.from('xx')],
  ])('says nothing: %s', async (_, bytes) => {
    expect(await smokeFromOnnx(model({ '1/model.onnx': bytes }))).toBeUndefined();
  });
});

describe('language models', () => {
  const config = (name: string) => JSON.stringify({ architectures: [name], hidden_size: 64 });

  it('asks for a completion, a chat or embeddings, by task', async () => {
    const plain = await smokeFromTransformers(model({ 'config.json': config('LlamaForCausalLM') }));
    expect(plain).toMatchObject({
      path: ['/openai/v1/completions', '/v1/completions'],
      body: { prompt: expect.any(String), max_tokens: 16 },
      expect: { read: 'text', maxTokens: 16 },
    });
    const chat = await smokeFromTransformers(
      model({ 'config.json': config('LlamaForCausalLM'), 'chat_template.jinja': '' }),
    );
    expect(chat).toMatchObject({ path: ['/openai/v1/chat/completions', '/v1/chat/completions'] });
    const embeddings = await smokeFromTransformers(
      model({
        'config.json': config('BertModel'),
        'modules.json': '[]',
        '1_Pooling/config.json': '{"word_embedding_dimension": 64}',
      }),
    );
    expect(embeddings).toMatchObject({
      path: ['/openai/v1/embeddings', '/v1/embeddings'],
      expect: { read: 'embeddings', count: 2, size: 64 },
    });
  });

  it('names the framework for a classifier', async () => {
    await expect(
      smokeFromTransformers(model({ 'config.json': config('BertForSequenceClassification') })),
    ).rejects.toMatchObject({
      message: expect.stringContaining('BertForSequenceClassification'),
      next: expect.stringContaining('framework: huggingface'),
    });
  });
});
