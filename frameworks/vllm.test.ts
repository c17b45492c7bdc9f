import { describe, expect, it } from 'vitest';
import { matchesAny, selectionOf } from '../scripts/catalog/resolve.ts';
import vllm from './vllm/framework.ts';

/** The path with which a repository meets each requirement of vllm, in their order. */
const met = (paths: readonly string[]) =>
  vllm.requires.map(({ anyOf }) => anyOf.some((glob) => paths.some((path) => matchesAny(path, [glob]))));

describe('vllm', () => {
  it.each([
    [
      'ibm-granite/granite-3.0-2b-instruct',
      [
        'config.json',
        'generation_config.json',
        'merges.txt',
        'model-00001-of-00002.safetensors',
        'model-00002-of-00002.safetensors',
        'model.safetensors.index.json',
        'special_tokens_map.json',
        'tokenizer.json',
        'tokenizer_config.json',
        'vocab.json',
        'README.md',
      ],
      ['.gitattributes'],
    ],
    [
      'mistralai/Mistral-7B-Instruct-v0.3',
      ['config.json', 'model-00001-of-00003.safetensors', 'tokenizer.model'],
      ['consolidated.safetensors', 'params.json'],
    ],
    [
      'sentence-transformers/all-MiniLM-L6-v2',
      [
        '1_Pooling/config.json',
        'config.json',
        'config_sentence_transformers.json',
        'model.safetensors',
        'modules.json',
        'sentence_bert_config.json',
        'tokenizer.json',
        'vocab.txt',
      ],
      [
        'onnx/model.onnx',
        'openvino/openvino_model.bin',
        'pytorch_model.bin',
        'rust_model.ot',
        'tf_model.h5',
        'train_script.py',
      ],
    ],
    [
      'a model in its own format only',
      ['params.json', 'consolidated.safetensors', 'tekken.json'],
      ['consolidated.00.pth'],
    ],
    ['a model in two precisions', ['config.json', 'model.safetensors'], ['model.fp16.safetensors']],
    [
      'google/gemma-2b',
      ['config.json', 'tokenizer.model', 'model-00001-of-00002.safetensors'],
      ['gemma-2b.gguf'],
    ],
    [
      'a model with custom code',
      ['chat_template.jinja', 'qwen.tiktoken'],
      ['modeling_qwen.py', 'training_args.bin'],
    ],
  ])('selects one set of weights of %s', (_, taken, left) => {
    const { take } = vllm.choose([...taken, ...left].filter(selectionOf(vllm)));
    expect(take).toEqual(taken);
  });

  // `vocab_files_names` of the classes in transformers' models/*/tokenization_*.py.
  it.each([
    ['T5, ALBERT, XLNet', ['spiece.model']],
    ['DeBERTa v2', ['spm.model', 'added_tokens.json']],
    ['XLM-RoBERTa, mBART', ['sentencepiece.bpe.model']],
    ['M2M100, NLLB', ['sentencepiece.bpe.model', 'vocab.json']],
    ['Marian', ['source.spm', 'target.spm', 'vocab.json', 'target_vocab.json']],
    ['BERTweet', ['bpe.codes', 'vocab.txt', 'added_tokens.json']],
    ['PhoBERT', ['bpe.codes', 'vocab.txt']],
    ['GPT-2', ['vocab.json', 'merges.txt']],
    ['an early GPT-2', ['vocab.bpe', 'encoder.json']],
    ['BERT', ['vocab.txt', 'special_tokens_map.json']],
    ['ProphetNet', ['prophetnet.tokenizer']],
    ['FSMT', ['vocab-src.json', 'vocab-tgt.json', 'merges.txt']],
    ['XLM-ProphetNet, fairseq', ['sentencepiece.bpe.model', 'dict.txt']],
    ['SpeechT5', ['spm_char.model']],
    ['Mistral, with the version in the name', ['tokenizer.model.v3']],
    ['Mistral', ['tekken.json']],
    ['Qwen 1', ['qwen.tiktoken']],
    ['Kimi', ['tiktoken.model']],
    ['InternLM', ['tokenizer.model']],
    ['GPT-NeoX Japanese', ['vocab.txt', 'emoji.json']],
    ['any fast one', ['tokenizer.json', 'tokenizer_config.json']],
  ])('takes the tokenizer of %s, which meets the requirement', (_, tokenizer) => {
    const files = ['config.json', 'model.safetensors', ...tokenizer];
    expect(vllm.choose(files.filter(selectionOf(vllm))).take).toEqual(files);
    expect(met(files)).toEqual([true, true, true]);
    expect(met(['config.json', 'model.safetensors'])).toEqual([true, false, true]);
  });

  it.each([
    [
      'chat templates',
      ['chat_template.jinja', 'chat_template.json', 'additional_chat_templates/tool_use.jinja'],
    ],
    ['processors', ['preprocessor_config.json', 'processor_config.json', 'video_preprocessor_config.json']],
    [
      'layers of sentence-transformers',
      ['1_Pooling/config.json', '2_Dense/config.json', '2_Dense/model.safetensors'],
    ],
    ['adapters', ['adapters/sql/adapter_config.json', 'adapters/sql/adapter_model.safetensors']],
  ])('takes %s', (_, files) => {
    expect(files.filter((path) => !selectionOf(vllm)(path))).toEqual([]);
  });

  it.each(['vocab.pkl', 'vocab.bin', 'tokenization_x.py', 'other/tokenizer.json', 'train.txt'])(
    'does not take %s',
    (path) => {
      expect(selectionOf(vllm)(path)).toBe(false);
    },
  );
});
