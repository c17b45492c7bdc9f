import { expect, it } from 'vitest';
import { readTransformers, type TransformersTask } from './transformers.ts';

function folder(files: Record<string, unknown>) {
  const bytes = new Map(
    Object.entries(files).map(([path, value]) => [
      path,
      Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    ]),
  );
  return {
    paths: [...bytes.keys()],
    size: (path: string) => bytes.get(path)?.length ?? 0,
    read: async (path: string, offset: number, length: number) =>
      bytes.get(path)?.subarray(offset, offset + length) ?? Buffer.alloc(0),
  };
}

const architecture = (name: string) => ({ 'config.json': { architectures: [name], hidden_size: 384 } });

it.each<[string, Record<string, unknown>, TransformersTask]>([
  ['a language model', architecture('LlamaForCausalLM'), { kind: 'generation', chat: false }],
  ['GPT-2', architecture('GPT2LMHeadModel'), { kind: 'generation', chat: false }],
  [
    'one with a chat template',
    { ...architecture('Qwen2ForCausalLM'), 'tokenizer_config.json': { chat_template: '{{ messages }}' } },
    { kind: 'generation', chat: true },
  ],
  [
    'one with a chat template in its own file',
    { ...architecture('Qwen2ForCausalLM'), 'chat_template.jinja': '{{ messages }}' },
    { kind: 'generation', chat: true },
  ],
  [
    'sentence-transformers',
    {
      ...architecture('BertModel'),
      'modules.json': [],
      '1_Pooling/config.json': { word_embedding_dimension: 384 },
    },
    { kind: 'embeddings', size: 384 },
  ],
  [
    'sentence-transformers with a layer that changes the size',
    { ...architecture('T5EncoderModel'), 'modules.json': [], '2_Dense/config.json': {} },
    { kind: 'embeddings' },
  ],
  ['an encoder', architecture('BertModel'), { kind: 'embeddings' }],
  [
    'a classifier',
    architecture('BertForSequenceClassification'),
    { kind: 'labels', architecture: 'BertForSequenceClassification' },
  ],
  [
    'a token classifier',
    architecture('BertForTokenClassification'),
    { kind: 'labels', architecture: 'BertForTokenClassification' },
  ],
  ['Mistral’s own format', { 'params.json': {} }, { kind: 'generation', chat: false }],
  ['a broken config', { 'config.json': '{"architectures": [' }, { kind: 'generation', chat: false }],
  ['a config of other types', { 'config.json': { architectures: 5 } }, { kind: 'generation', chat: false }],
])('the task of %s', async (_, files, task) => {
  expect(await readTransformers(folder(files))).toEqual(task);
});
