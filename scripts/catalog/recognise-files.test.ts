import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Folder, failure } from '../../tests/support/catalog-folder.ts';
import { isModel } from '../model/catalog-entry.ts';
import { loadFrameworks } from './frameworks.ts';
import { guessFramework } from './guess-framework.ts';
import { loadCatalog } from './load.ts';
import { recognise, recognisedFrameworks } from './recognise-files.ts';
import { resolveModel } from './resolve.ts';

const shipped = readdirSync(fileURLToPath(new URL('../../frameworks', import.meta.url)));

describe('what lies there is recognised', () => {
  it.each<[string[], string, string | RegExp]>([
    [['README.md', 'churn.cbm'], 'a CatBoost model (churn.cbm)', 'catboost'],
    [['Q4/g-Q4_0.gguf', 'config.json'], 'a GGUF model (Q4/g-Q4_0.gguf)', 'gguf'],
    [['model/MLmodel', 'model/model.pkl'], 'an MLflow model (model/MLmodel)', 'mlflow'],
    [['saved_model.pb', 'keras_metadata.pb'], 'a TensorFlow SavedModel (saved_model.pb)', 'tensorflow'],
    [['m/1/model.pt', 'm/config.pbtxt'], 'a model repository of Triton (m/config.pbtxt)', 'onnx-triton'],
    [['net.onnx'], 'an ONNX model (net.onnx)', 'onnx'],
    [['adapter_config.json', 'adapter_model.safetensors'], 'a LoRA adapter without', /base model/],
    [['model_index.json', 'unet/config.json'], 'a diffusers pipeline', /framework: custom/],
    [['iris.pmml'], 'a PMML model (iris.pmml)', 'pmml'],
    [['inference.pdmodel', 'inference.pdiparams'], 'a Paddle model', /kserve-paddleserver/],
    [['model-store/m.mar'], 'an archive of TorchServe', /kserve-torchserve/],
    [['model.keras'], 'a Keras file', /model\.export/],
    [['best.pt'], 'weights of PyTorch', /torch\.onnx\.export/],
    [['model.safetensors', 'tokenizer.json'], 'safetensors without the config.json', /save_pretrained/],
    [['tokenizer.json', 'config.json'], 'a tokenizer without weights', /weights are elsewhere/],
  ])('%j: %s', (paths, what, framework) => {
    const known = recognise(paths);
    expect(known?.what).toContain(what);
    if (typeof framework === 'string') expect(known?.framework).toBe(framework);
    else expect(known?.next).toMatch(framework);
  });

  it.each([
    [['model.joblib']],
    [['config.json', 'tokenizer.json', 'model.safetensors']],
    [['config.json', 'tokenizer.json', 'pytorch_model.bin', 'onnx/model.onnx']],
    [['notes.md']],
    [[]],
  ])('%j is left to its framework', (paths) => expect(recognise(paths)).toBeUndefined());

  it('by a framework that exists', () => {
    // mlflow comes with its own change.
    expect(recognisedFrameworks.filter((name) => ![...shipped, 'mlflow'].includes(name))).toEqual([]);
  });
});

describe('errors say it', () => {
  async function locked(framework: string, ...names: string[]) {
    await using folder = await Folder.make(Object.fromEntries(names.map((name) => [`m/${name}`, 'x'])));
    const text = `models: [{name: churn, framework: ${framework}, source: file:m}]\n`;
    const [model] = (await loadCatalog(await folder.catalog(text))).models;
    const own = (await loadFrameworks(folder.path)).get(framework);
    if (!model || !isModel(model) || !own) throw new Error('the fixture is broken');
    return await failure(resolveModel(model, own, { directory: folder.path }));
  }
  const added = async (...paths: string[]) =>
    await failure(
      guessFramework(
        { what: 'add x', paths, read: async () => Buffer.alloc(0) },
        await loadFrameworks('/nonexistent'),
      ),
    );

  it('at lock, with the framework to take', async () => {
    const error = await locked('sklearn', 'g-Q4_K_M.gguf');
    expect(error.message).toMatch(
      /^resolve model churn: sklearn needs model\.joblib.*: a GGUF model \(g-Q4_K_M\.gguf\)$/,
    );
    expect(error.next).toBe('take `framework: gguf`');
  });

  it('at lock, but not for the framework itself', async () => {
    const error = await locked('gguf', 'a/b/c.gguf');
    expect(error.message).not.toContain('a GGUF model');
    expect(error.next).toContain('rename the file');
  });

  it('at add, with the reason why none takes it', async () => {
    const error = await added('net.pdmodel', 'README.md');
    expect(error.message).toBe('add x: these files are a Paddle model (net.pdmodel)');
    expect(error.next).toContain('runtime: kserve-paddleserver');
  });

  it('at add, with what its framework still needs', async () => {
    const error = await added('export/saved_model.pb', 'export/variables/variables.index');
    expect(error.message).toContain(
      'these files are a TensorFlow SavedModel (export/saved_model.pb); tensorflow needs saved_model.pb',
    );
  });
});
