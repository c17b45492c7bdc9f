import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { failure } from '../../tests/support/catalog-folder.ts';
import type { Framework } from '../model/types.ts';
import { loadFrameworks } from './frameworks.ts';
import { type FoundFiles, guessFramework } from './guess-framework.ts';

let frameworks: Map<string, Framework>;
beforeAll(async () => {
  frameworks = await loadFrameworks('/nonexistent');
});

const sample = (name: string) => readFileSync(new URL(`../../frameworks/${name}/model.bst`, import.meta.url));
const llama = '{"architectures": ["LlamaForCausalLM"]}';

/** A source with these files; a read of any other fails the test. */
function source(files: Record<string, string | Buffer | undefined>, named?: string): FoundFiles {
  return {
    what: 'add x',
    paths: Object.keys(files),
    ...(named !== undefined && { named }),
    async read(path, bytes) {
      const content = files[path];
      if (content === undefined) throw new Error(`${path} was read`);
      return Buffer.from(content as string).subarray(0, bytes);
    },
  };
}

const guess = (files: Record<string, string | Buffer | undefined>, named?: string) =>
  guessFramework(source(files, named), frameworks);
const unread = (...paths: string[]) => Object.fromEntries(paths.map((path) => [path, undefined]));

describe('names alone decide', () => {
  it.each([
    [['model.joblib'], 'sklearn'],
    [['README.md', 'model.pkl', 'requirements.txt'], 'sklearn'],
    [['model.ubj'], 'xgboost'],
    [['model.json', 'config.json'], 'xgboost'],
    [['model.txt'], 'lightgbm'],
    [['model/1/model.onnx', 'model/config.pbtxt'], 'onnx-triton'],
    [['1/model.onnx'], 'onnx'],
    [['params.json', 'tekken.json', 'consolidated.safetensors'], 'vllm'],
  ])('%j: %s', async (paths, framework) => {
    const found = await guess(unread(...paths));
    expect(found).toEqual({ framework, why: expect.stringMatching(/^which (serves|alone takes) `/) });
  });
});

describe('the first bytes decide', () => {
  it.each(['xgboost', 'lightgbm'])('model.bst of %s', async (framework) => {
    expect(await guess({ 'model.bst': sample(framework) })).toEqual({
      framework,
      why: 'by the first bytes of `model.bst`',
    });
  });

  it.each([
    ['churn.bst', 'xgboost'],
    ['churn.bst', 'lightgbm'],
    ['churn.json', 'xgboost'],
    ['churn.txt', 'lightgbm'],
  ])('%s of %s, which needs another name', async (from, framework) => {
    const head = framework === 'xgboost' && from.endsWith('.json') ? '{"learner":{}}' : sample(framework);
    expect(await guess({ [from]: head, 'README.md': undefined })).toMatchObject({
      framework,
      rename: { from, to: 'model.bst' },
    });
  });
});

it('config.json decides where names do not, and is given as the reason', async () => {
  const files = { 'config.json': llama, ...unread('tokenizer.json', 'model.safetensors', 'model.onnx') };
  expect(await guess(files)).toEqual({
    framework: 'vllm',
    why: 'by config.json, which names `LlamaForCausalLM`',
  });
  const bare = { 'config.json': '{}', ...unread('tokenizer.json', 'model.safetensors') };
  expect(await guess(bare)).toMatchObject({
    framework: 'vllm',
    why: expect.stringContaining('which serves'),
  });
});

it.each([
  ['BertForSequenceClassification', 'huggingface'],
  ['XLMRobertaForTokenClassification', 'huggingface'],
  ['BertForMaskedLM', 'huggingface'],
  ['T5ForConditionalGeneration', 'huggingface'],
  ['MarianMTModel', 'huggingface'],
  // With images; vLLM has it.
  ['Qwen2VLForConditionalGeneration', 'vllm'],
  ['MistralForCausalLM', 'vllm'],
  // Embeddings of both; vLLM's have OpenAI's endpoint.
  ['BertModel', 'vllm'],
])('%s is for %s', async (architecture, framework) => {
  const config = JSON.stringify({ architectures: [architecture] });
  expect(await guess({ 'config.json': config, ...unread('tokenizer.json', 'model.safetensors') })).toEqual({
    framework,
    why: `by config.json, which names \`${architecture}\``,
  });
});

describe('ONNX', () => {
  it('is for OpenVINO, unless only Triton takes a file beside it', async () => {
    expect(await guess({ 'mobilenet.onnx': '' })).toEqual({
      framework: 'onnx',
      why: 'which serves `mobilenet.onnx`; so does onnx-triton (--framework)',
    });
    expect(await guess({ 'mobilenet.onnx': '', 'config.pbtxt': undefined })).toEqual({
      framework: 'onnx-triton',
      why: 'which alone takes `config.pbtxt`',
    });
    expect(await guessFramework(source({ 'm.onnx': '' }), frameworks, 'onnx-triton')).toMatchObject({
      framework: 'onnx-triton',
    });
  });

  it('in a subfolder is found there, and is put where the server needs it by `lock`', async () => {
    const found = await guess({ 'onnx/model.onnx': '', 'onnx/weights.bin': '' });
    expect(found.framework).toBe('onnx');
    expect(found.rename).toBeUndefined();
  });

  it('of several models in the layout of Triton is served by it', async () => {
    const files = { 'a/1/model.onnx': '', 'b/1/model.onnx': '', 'b/config.pbtxt': '' };
    expect(await guess(files)).toMatchObject({ framework: 'onnx-triton' });
  });

  it('in a folder does not hide the model at the top', async () => {
    expect(await guess({ 'model.joblib': '', 'onnx/model.onnx': '' })).toMatchObject({
      framework: 'sklearn',
    });
  });
});

describe('GGUF', () => {
  const repository = ['m-Q2_K.gguf', 'm-Q4_K_M.gguf', 'mmproj-BF16.gguf', 'mmproj-F16.gguf', 'README.md'];

  it('of any name, and beside a config.json, is for llama.cpp', async () => {
    for (const paths of [['granite.gguf'], ['granite.gguf', 'config.json'], ['m.gguf', 'mmproj-a.gguf']])
      expect(await guess(unread(...paths))).toMatchObject({ framework: 'gguf' });
  });

  it('in several quantisations has to be chosen; the chosen one brings its projector', async () => {
    const error = await failure(guess(unread(...repository)));
    expect(error.message).toBe('add x: the model could be m-Q2_K.gguf or m-Q4_K_M.gguf');
    expect(await guess(unread(...repository), 'm-Q4_K_M.gguf')).toMatchObject({
      framework: 'gguf',
      include: ['m-Q4_K_M.gguf', 'mmproj-F16.gguf', 'README.md', 'LICENSE*', 'NOTICE*'],
    });
  });
});

it('MLmodel says that MLflow saved what lies beside it', async () => {
  const saved = unread('MLmodel', 'conda.yaml', 'model.pkl', 'python_env.yaml', 'requirements.txt');
  expect(await guess(saved)).toEqual({
    framework: 'mlflow',
    why: 'by `MLmodel`, which MLflow saves beside a model',
  });
  expect(await guess(unread('MLmodel', 'model.xgb'))).toMatchObject({ framework: 'mlflow' });
  // No model becomes an MLmodel by its name.
  const pickle = source(unread('churn.pkl'), 'churn.pkl');
  expect(await guessFramework(pickle, frameworks, 'mlflow')).toEqual({
    framework: 'mlflow',
    why: 'as given',
  });
});

it('a file with another name gets the one that the framework looks for', async () => {
  expect(await guess(unread('iris-2024.joblib'))).toEqual({
    framework: 'sklearn',
    why: 'by the extension of `iris-2024.joblib`; in the image it is `model.joblib`',
    rename: { from: 'iris-2024.joblib', to: 'model.joblib' },
  });
  expect(await guess(unread('a/b.PKL', 'LICENSE'))).toMatchObject({
    rename: { from: 'a/b.PKL', to: 'model.pkl' },
  });
  expect(await guessFramework(source(unread('net.bin')), frameworks, 'sklearn')).toEqual({
    framework: 'sklearn',
    why: 'as given; in the image it is `model.joblib`',
    rename: { from: 'net.bin', to: 'model.joblib' },
  });
});

describe('the file that the user pointed at', () => {
  it('is chosen among several', async () => {
    const files = { 'a.onnx': '', ...unread('a.onnx_data', 'b.onnx', 'README.md') };
    expect(await guess(files, 'a.onnx')).toMatchObject({
      framework: 'onnx',
      include: ['a.onnx', 'a.onnx_data', 'README.md', 'LICENSE*', 'NOTICE*'],
    });
    expect(await guess({ 'a.onnx': '' }, 'a.onnx')).not.toHaveProperty('include');
  });

  it('stands for its repository when it is a part of the model', async () => {
    const files = { 'config.json': llama, ...unread('tokenizer.json', 'model.safetensors') };
    for (const named of ['config.json', 'model.safetensors'])
      expect(await guess(files, named)).toEqual({ framework: 'vllm', why: expect.stringContaining('Llama') });
  });
});

describe('fails when', () => {
  const refusal = (files: Record<string, string | Buffer | undefined>, wanted?: string) =>
    failure(guessFramework(source(files), frameworks, wanted));

  it.each([
    [
      { 'model.bst': 'neither' },
      'add x: lightgbm or xgboost could serve `model.bst`',
      '--framework lightgbm or',
    ],
    [unread('a.joblib', 'b.joblib'), 'add x: the model could be a.joblib or b.joblib', 'add the file itself'],
    [{ 'a.onnx': '', 'b.onnx': '' }, 'add x: the model could be a.onnx or b.onnx', 'add the file itself'],
    [unread('notes.md'), 'add x: no framework looks for these files: notes.md', '--framework with one of'],
    [unread(), 'add x: no framework looks for these files: none', '--framework with one of'],
    [
      { 'notes.txt': 'words' },
      'add x: no framework looks for these files: notes.txt',
      '--framework with one of',
    ],
    [
      unread('config.json', 'tokenizer.json', 'pytorch_model.bin'),
      'add x: vllm needs *.safetensors: a pickle (*.bin, *.pt) runs code',
      'add the missing file',
    ],
  ])('%j', async (files, message, next) => {
    const error = await refusal(files as Record<string, string | undefined>);
    expect(error).toMatchObject({ code: 'usage' });
    expect(error.message).toContain(message);
    expect(error.next).toContain(next);
  });

  it('the given framework does not exist', async () => {
    expect((await refusal({}, 'sklaern')).message).toBe(
      'add x: unknown framework `sklaern`; did you mean `sklearn`?',
    );
  });
});
