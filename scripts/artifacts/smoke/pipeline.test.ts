import { describe, expect, test } from 'vitest';
import { failure } from '../../../tests/support/catalog-folder.ts';
import type { ModelReader } from '../../model/types.ts';
import { smokeFromPipeline } from './pipeline.ts';

/** A model of these JSON files. */
function reader(files: Record<string, unknown>): ModelReader {
  const bytes = new Map(Object.entries(files).map(([path, value]) => [path, JSON.stringify(value)]));
  return {
    paths: [...bytes.keys()],
    size: (path) => bytes.get(path)?.length,
    read: async (path, offset, length) => Buffer.from((bytes.get(path) ?? '').slice(offset, offset + length)),
  };
}

const classified = (architecture: string, more: Record<string, unknown> = {}) =>
  smokeFromPipeline(reader({ 'config.json': { architectures: [architecture] }, ...more }));

describe('texts by protocol v2', () => {
  test.each(['BertForSequenceClassification', 'XLMRobertaForTokenClassification'])('%s', async (name) => {
    const smoke = await classified(name);
    expect(smoke).toMatchObject({
      path: '/v2/models/{name}/infer',
      // One answer for each text: a label, scores, or a label per token.
      expect: { read: 'outputs', rows: 2, outputs: [] },
      from: `its task, ${name}`,
    });
    const { inputs } = smoke.body as { inputs: { shape: number[]; data: string[] }[] };
    expect(inputs).toHaveLength(1);
    expect(inputs[0]).toMatchObject({ shape: [2], datatype: 'BYTES' });
    expect(inputs[0]?.data).toHaveLength(2);
  });

  test.each([
    [{ 'tokenizer_config.json': { mask_token: '<mask>' } }, '<mask>'],
    [{ 'special_tokens_map.json': { mask_token: { content: '[M]', lstrip: false } } }, '[M]'],
    [{}, '[MASK]'],
  ])('a gap as %j writes it', async (files, mask) => {
    const { body } = await classified('RobertaForMaskedLM', files);
    expect(JSON.stringify(body)).toContain(`France is ${mask}.`);
  });

  test('embeddings, of the size that the model says', async () => {
    const smoke = await classified('BertModel', {
      'modules.json': [],
      '1_Pooling/config.json': { word_embedding_dimension: 384 },
    });
    expect(smoke.expect).toEqual({
      read: 'outputs',
      rows: 2,
      outputs: [{ name: 'output-0', shape: [2, 384] }],
    });
  });
});

test('a model that generates text is asked for a completion', async () => {
  expect(await classified('T5ForConditionalGeneration')).toMatchObject({
    path: ['/openai/v1/completions', '/v1/completions'],
    body: { max_tokens: 16 },
    expect: { read: 'text', maxTokens: 17 },
  });
});

test('a task that the server does not have is an error, which names those that it has', async () => {
  const error = await failure(classified('BertForQuestionAnswering'));
  expect(error).toMatchObject({ code: 'catalog', message: expect.stringContaining('token classification') });
});
