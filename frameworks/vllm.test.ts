import { describe, expect, it } from 'vitest';
import { selectionOf } from '../scripts/catalog/resolve.ts';
import vllm from './vllm/framework.ts';

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
});
