import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseWeights } from './weights.ts';

const text = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'README.md',
  'LICENSE',
];
const parts = (stem: string, count: number, end: string) =>
  Array.from({ length: count }, (_, at) => {
    const number = (one: number) => String(one).padStart(5, '0');
    return `${stem}-${number(at + 1)}-of-${number(count)}.${end}`;
  });

describe('chooseWeights', () => {
  // Files as in these repositories, now or at an earlier commit.
  it.each<[string, string[], string[]]>([
    [
      'openai-community/gpt2',
      ['model.safetensors', ...text],
      [
        '.gitattributes',
        '64.tflite',
        'flax_model.msgpack',
        'pytorch_model.bin',
        'rust_model.ot',
        'tf_model.h5',
        'onnx/config.json',
        'onnx/decoder_model.onnx',
      ],
    ],
    [
      'meta-llama/Llama-3.1-8B',
      [...parts('model', 4, 'safetensors'), 'model.safetensors.index.json', 'USE_POLICY.md', ...text],
      ['.gitattributes', 'original/consolidated.00.pth', 'original/params.json', 'original/tokenizer.model'],
    ],
    [
      'sentence-transformers/all-MiniLM-L6-v2',
      ['model.safetensors', '1_Pooling/config.json', 'modules.json', 'train_script.py', 'vocab.txt', ...text],
      [
        'pytorch_model.bin',
        'rust_model.ot',
        'tf_model.h5',
        'onnx/model.onnx',
        'openvino/openvino_model.bin',
        'openvino/openvino_model.xml',
      ],
    ],
    [
      'a sentence transformer whose second layer has no safetensors',
      ['model.safetensors', '2_Dense/config.json', '2_Dense/pytorch_model.bin'],
      ['pytorch_model.bin'],
    ],
    [
      'mistralai/Mistral-7B-Instruct-v0.3',
      [...parts('model', 3, 'safetensors'), 'model.safetensors.index.json', 'tokenizer.model', ...text],
      ['consolidated.safetensors', 'params.json'],
    ],
    ['Mistral in its own format only', ['consolidated.safetensors', 'params.json', 'tekken.json'], []],
    [
      'a model without safetensors',
      [...parts('pytorch_model', 2, 'bin'), 'pytorch_model.bin.index.json', 'modeling_mine.py', ...text],
      ['tf_model.h5', 'flax_model.msgpack', 'flax_model.msgpack.index.json'],
    ],
    [
      'parts in both formats',
      [...parts('model', 2, 'safetensors'), 'model.safetensors.index.json'],
      [...parts('pytorch_model', 2, 'bin'), 'pytorch_model.bin.index.json'],
    ],
    [
      'the whole and its parts',
      ['model.safetensors', 'config.json'],
      [...parts('model', 2, 'safetensors'), 'model.safetensors.index.json'],
    ],
    [
      'stabilityai/sdxl-turbo',
      [
        'model_index.json',
        'unet/config.json',
        'unet/diffusion_pytorch_model.safetensors',
        'vae/diffusion_pytorch_model.safetensors',
        'text_encoder/model.safetensors',
      ],
      [
        'unet/diffusion_pytorch_model.fp16.safetensors',
        'unet/model.onnx',
        'unet/model.onnx_data',
        'vae/diffusion_pytorch_model.fp16.safetensors',
        'text_encoder/openvino_model.bin',
        'text_encoder/openvino_model.xml',
      ],
    ],
    ['a variant alone', ['model.fp16.safetensors', 'config.json'], []],
    ['quantisations, without a preference', ['a-Q4_K_M.gguf', 'a-Q8_0.gguf', 'README.md'], []],
    ['ONNX only', ['onnx/model.onnx', 'onnx/model.onnx_data', 'config.json'], []],
    [
      'files left by training',
      ['model.safetensors', 'config.json'],
      [
        'optimizer.pt',
        'scheduler.pt',
        'rng_state_0.pth',
        'rng_state.pth',
        'training_args.bin',
        'trainer_state.json',
        'runs/Jan01/events.out.tfevents.1.host',
        'checkpoint-500/model.safetensors',
        'checkpoint-500/optimizer.pt',
        '.gitignore',
      ],
    ],
    ['adapters', ['adapter_model.safetensors', 'adapter_config.json'], ['adapter_model.bin']],
    [
      'names that only look like weights',
      ['model.safetensors', 'spiece.model', 'vocab.bin', 'merges.txt'],
      [],
    ],
    ['nothing', [], []],
  ])('%s', (_, take, leave) => {
    const choice = chooseWeights([...leave, ...take]);
    expect(choice.take.toSorted()).toEqual(take.toSorted());
    expect(choice.leave.toSorted()).toEqual(leave.toSorted());
    expect(choice.why === '').toBe(leave.length === 0);
  });

  it('takes or leaves every path, never leaves all weights, and does not depend on the order', () => {
    const path = fc.oneof(
      fc.constantFrom(
        'model.safetensors',
        'pytorch_model.bin',
        'onnx/model.onnx',
        'original/a.pth',
        'tf_model.h5',
      ),
      fc.constantFrom(
        'a/model.fp16.safetensors',
        'consolidated.safetensors',
        'x.gguf',
        'config.json',
        'a/b.msgpack',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 12 }), (paths) => {
        const { take, leave } = chooseWeights(paths);
        expect([...take, ...leave].toSorted()).toEqual(paths.toSorted());
        const back = chooseWeights(paths.toReversed());
        expect(back.take.toSorted()).toEqual(take.toSorted());
        const weight = /\.(safetensors|onnx|pth|h5|gguf|msgpack)$|model\.bin$/;
        if (paths.some((one) => weight.test(one))) expect(take.some((one) => weight.test(one))).toBe(true);
      }),
    );
  });
});
