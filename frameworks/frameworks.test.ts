import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { selectionOf, servedFiles } from '../scripts/catalog/resolve.ts';
import type { Framework, SmokeExpectation, TensorExpectation } from '../scripts/model/types.ts';
import custom from './custom/framework.ts';
import gguf from './gguf/framework.ts';
import huggingface from './huggingface/framework.ts';
import mlflow from './mlflow/framework.ts';
import triton from './onnx-triton/framework.ts';
import tensorflow from './tensorflow/framework.ts';
import xgboost from './xgboost/framework.ts';

const folders = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** Open Inference Protocol (v2), "Inference Request JSON Object". */
const requestSchema = z.strictObject({
  inputs: z
    .array(
      z.strictObject({
        name: z.string().min(1),
        shape: z.array(z.int().positive()).nonempty(),
        datatype: z.enum(['BYTES', 'INT64', 'FP32', 'FP64']),
        data: z.union([z.array(z.number()), z.array(z.string())]),
      }),
    )
    .nonempty(),
});

/** OpenAI's "create completion" request, as far as vLLM and KServe's huggingfaceserver need it. */
const completionSchema = z.strictObject({
  model: z.literal('{name}'),
  prompt: z.string().min(1),
  max_tokens: z.int().positive(),
  temperature: z.literal(0),
  stream: z.literal(false),
});

/** Folders whose sample is a folder `model/`. */
const inFolders = ['huggingface', 'mlflow'];
/** Folders that share another's sample, or whose models are too large for one. */
const withoutSample = ['custom', 'onnx-triton', 'vllm'];

it('the frameworks include those of MLServer, OpenVINO, Triton and vLLM', () => {
  const names = ['lightgbm', 'onnx', 'onnx-triton', 'sklearn', 'vllm', 'xgboost'];
  expect(folders).toEqual(expect.arrayContaining(names));
});

describe.each(folders)('framework %s', async (folder) => {
  const { default: framework }: { default: Framework } = await import(`./${folder}/framework.ts`);
  const { smoke } = framework;
  const takes = selectionOf(framework);
  const place = (path: string): string => framework.place?.(path) ?? path;
  // A class of characters does not match itself: one of them stands for it.
  const anyOne = (glob: string): string => glob.replaceAll('[0-9]', '1');
  const required = framework.requires.flatMap(({ anyOf }) => anyOf.map(anyOne));

  it('is named like its folder', () => {
    expect(framework.name).toBe(folder);
  });

  it('requires only files that it selects', () => {
    if (framework.runtime !== undefined) expect(framework.requires.length).toBeGreaterThan(0);
    for (const { anyOf, why } of framework.requires) {
      expect(anyOf.map(anyOne).filter((name) => !takes(name))).toEqual([]);
      expect(why).toMatch(/^\S.*[^.\s]$/);
    }
  });

  it('places every required file at a required path, and leaves other paths unchanged', () => {
    const isRequired = selectionOf({ include: required, exclude: [] });
    for (const name of required) {
      expect(isRequired(place(name))).toBe(true);
      expect(place(place(name))).toBe(place(name));
    }
    expect(place('sub/model.json')).toBe('sub/model.json');
  });

  if (smoke?.sample !== undefined && !inFolders.includes(folder))
    it('has a smoke request for exactly the sample that is shipped', () => {
      const own = join(import.meta.dirname, folder === 'onnx-triton' ? 'onnx' : folder);
      const digests = readdirSync(own)
        .filter((file) => /^(model\.|saved_model\.pb$)/.test(file))
        .map((file) => [
          place(file),
          createHash('sha256')
            .update(readFileSync(join(own, file)))
            .digest('hex'),
        ]);
      expect(smoke.sample).toEqual(Object.fromEntries(digests));
    });

  if (!withoutSample.includes(folder))
    it('ships one small sample artifact, and selects it', () => {
      const own = join(import.meta.dirname, folder);
      const artifacts = readdirSync(own).filter((file) => /^(saved_)?model(\.|$)/.test(file));
      expect(artifacts).toHaveLength(1);
      const [artifact = ''] = artifacts;
      const isFolder = statSync(join(own, artifact)).isDirectory();
      const folderOf = isFolder ? join(own, artifact) : own;
      const files = isFolder ? readdirSync(folderOf) : artifacts;
      for (const file of files) {
        expect(takes(file)).toBe(true);
        expect(place(place(file))).toBe(place(file));
        expect(statSync(join(folderOf, file)).size).toBeLessThan(64 * 1024);
      }
      expect(readdirSync(own)).toEqual(expect.arrayContaining(['train.py', 'requirements.txt']));
    });

  if (smoke !== undefined && framework.protocolVersion === 'v2')
    it('has a smoke request with consistent shapes, data and classes', () => {
      expect(smoke.path).toMatch(/^\/v2\/models\/(\{name\}|model)\/infer$/);
      const { inputs } = requestSchema.parse(smoke.body);
      const { classes } = tensorOf(smoke.expect);
      for (const { shape, data } of inputs) {
        expect(shape.reduce((product, length) => product * length, 1)).toBe(data.length);
        expect(shape[0]).toBe(classes.length);
      }
    });

  if (smoke !== undefined && framework.protocolVersion === 'v2')
    it('expects more than one class, in unsorted order', () => {
      const { classes } = tensorOf(smoke.expect);
      expect(new Set(classes).size).toBeGreaterThan(1);
      expect(classes).not.toEqual(classes.toSorted((one, other) => one - other));
      expect(classes.every((one) => Number.isInteger(one) && one >= 0)).toBe(true);
    });

  if (smoke !== undefined && framework.protocolVersion === 'openai')
    it('expects at most the max_tokens of its smoke request', () => {
      const body = completionSchema.parse(smoke.body);
      expect(smoke.expect).toEqual({ read: 'completion', maxTokens: body.max_tokens });
      expect([smoke.path].flat()).toEqual(expect.arrayContaining(['/v1/completions']));
    });
});

function tensorOf(expectation: SmokeExpectation): TensorExpectation {
  if (expectation.read !== 'labels' && expectation.read !== 'scores')
    throw new Error('a v2 answer holds a tensor');
  return expectation;
}

it('xgboost: model.bst is the only model file name in the image', () => {
  expect(servedFiles(xgboost).map(({ anyOf }) => anyOf)).toEqual([['model.bst']]);
});

describe.each([
  ['onnx', '1'],
  ['onnx-triton', 'model/1'],
])('%s', async (folder, version) => {
  const { default: framework }: { default: Framework } = await import(`./${folder}/framework.ts`);
  const place = (path: string): string => framework.place?.(path) ?? path;

  it('places a model with any name where the runtime looks for it', () => {
    expect(place('mobilenetv2-7.onnx')).toBe(`${version}/model.onnx`);
    expect(place('model.onnx')).toBe(`${version}/model.onnx`);
    expect(place(`${version}/any.onnx`)).toBe(`${version}/any.onnx`);
  });

  it('keeps the names of external weights, which the graph refers to', () => {
    for (const name of ['model.onnx.data', 'model.onnx_data', 'model.onnx_data_1']) {
      expect(selectionOf(framework)(name)).toBe(true);
      expect(place(name)).toBe(`${version}/${name}`);
    }
  });

  it('leaves README and licence at the top', () => {
    expect(place('README.md')).toBe('README.md');
    expect(place('LICENSE')).toBe('LICENSE');
  });
});

it('custom takes any file under its own name, and leaves the server to the model', () => {
  const takes = selectionOf(custom);
  expect(['a/b/c.bin', '.hidden', 'model.py', 'config.yaml'].filter(takes)).toHaveLength(4);
  expect(['.gitattributes', 'a/.gitignore'].filter(takes)).toEqual([]);
  expect(Object.keys(custom).sort()).toEqual(['exclude', 'include', 'name', 'requires']);
});

describe('tensorflow', () => {
  const exported = ['saved_model.pb', 'fingerprint.pb', 'assets/a/vocab.txt', 'variables/variables.index'];

  it('places a SavedModel into a version, and keeps versions', () => {
    const takes = selectionOf(tensorflow);
    for (const path of exported) {
      expect(takes(path) && takes(`1/${path}`)).toBe(true);
      expect(tensorflow.place(path)).toBe(`1/${path}`);
      expect(tensorflow.place(`1732000000/${path}`)).toBe(`1732000000/${path}`);
    }
    expect(tensorflow.place('README.md')).toBe('README.md');
  });

  it('refuses variables without their index, and an index without them', () => {
    const data = 'variables/variables.data-00000-of-00001';
    expect(tensorflow.refuse([...exported, data])).toBeUndefined();
    expect(tensorflow.refuse(['saved_model.pb'])).toBeUndefined();
    expect(tensorflow.refuse(exported)?.problem).toContain(`lacks ${data}`);
    expect(tensorflow.refuse([`1/${data}`])?.problem).toContain('lacks 1/variables/variables.index');
  });
});

describe('gguf', () => {
  it('has one name for a model, and keeps those of parts, by which llama.cpp finds them', () => {
    expect(gguf.place('granite-3.0-2b-Q4_K_M.gguf')).toBe('model.gguf');
    expect(gguf.place('Q8_0/granite-Q8_0.gguf')).toBe('model.gguf');
    expect(gguf.place('Q8_0/g-Q8_0-00002-of-00003.gguf')).toBe('g-Q8_0-00002-of-00003.gguf');
    expect(gguf.place('mmproj-granite-F16.gguf')).toBe('mmproj.gguf');
  });

  it('an image needs model.gguf or a first part: a projector alone is none', () => {
    const [{ anyOf } = { anyOf: [] as string[] }] = servedFiles(gguf);
    const serves = selectionOf({ include: anyOf, exclude: [] });
    expect(['model.gguf', 'g-00001-of-00003.gguf'].filter(serves)).toHaveLength(2);
    expect(['mmproj.gguf', 'g-00002-of-00003.gguf', 'README.md'].filter(serves)).toEqual([]);
  });

  it('leaves out calibration data, and all projectors but one', () => {
    const takes = selectionOf(gguf);
    expect(['g-Q4_0.gguf', 'imatrix_unsloth.gguf', 'Q4/g.gguf'].filter(takes)).toEqual([
      'g-Q4_0.gguf',
      'Q4/g.gguf',
    ]);
    expect(gguf.choose(['g.gguf', 'mmproj-F16.gguf', 'mmproj-F32.gguf'])).toMatchObject({
      take: ['g.gguf', 'mmproj-F16.gguf'],
      leave: ['mmproj-F32.gguf'],
    });
  });
});

it('mlflow: takes everything that a flavor writes, but no setting of the server', () => {
  const takes = selectionOf(mlflow);
  const flavor = ['MLmodel', 'data/model.keras', 'code/own/features.py', 'model/model.safetensors'];
  expect(flavor.filter(takes)).toEqual(flavor);
  const others = ['settings.json', 'environment.tar.gz', '.git/config', 'code/__pycache__/own.pyc'];
  expect(others.filter(takes)).toEqual([]);
});

it.each([mlflow, huggingface])('$name: has a smoke request for exactly the sample that is shipped', (one) => {
  const [[file, digest] = []] = Object.entries<string>(one.smoke.sample);
  const weights = readFileSync(join(import.meta.dirname, one.name, 'model', file ?? ''));
  expect(createHash('sha256').update(weights).digest('hex')).toBe(digest);
});

it('mlflow: a folder of several models, or with one further down, is refused with the folders to take', () => {
  const runs = ['mlruns/1/a/artifacts/model/MLmodel', 'mlruns/1/a/artifacts/model/model.pkl'];
  expect(mlflow.refuse(runs)).toMatchObject({
    problem: 'has MLmodel in mlruns/1/a/artifacts/model, and not at its root',
  });
  // A model can contain others.
  expect(mlflow.refuse(['MLmodel', 'artifacts/inner/MLmodel'])).toBeUndefined();
});

it('onnx-triton: places config.pbtxt beside the version folder', () => {
  expect(triton.place('config.pbtxt')).toBe('model/config.pbtxt');
  expect(selectionOf(triton)('model/config.pbtxt')).toBe(true);
});

it('onnx-triton: asks for no more rows than Triton takes at once, under the name that Triton gives the model', () => {
  const { inputs } = requestSchema.parse(triton.smoke.body);
  expect(inputs.map(({ shape }) => shape[0])).toEqual([4]);
  expect(triton.servedName(['README.md', 'iris/1/model.onnx', 'iris/config.pbtxt'])).toBe('iris');
  expect(triton.servedName(['a/1/model.onnx', 'b/1/model.onnx'])).toBeUndefined();
});
