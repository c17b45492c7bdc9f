import { describe, expect, it } from 'vitest';
import { readerOf } from '../../tests/support/model-reader.ts';
import { examineRepository } from './repository.ts';

const examine = (files: Record<string, string>, chosen = Object.keys(files)) =>
  examineRepository(readerOf(files), chosen);

describe('code', () => {
  const config = JSON.stringify({
    auto_map: { AutoConfig: 'configuration_x.XConfig', AutoModelForCausalLM: 'modeling_x.X' },
  });

  it('that a model needs is named, with what vLLM and models.yaml need', async () => {
    const { warnings = [] } = await examine({ 'config.json': config, 'modeling_x.py': '' }, ['config.json']);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /configuration_x\.py and modeling_x\.py.*left out.*`include`.*--trust-remote-code/,
    );
  });

  it('that is included needs only the flag', async () => {
    const files = { 'config.json': config, 'configuration_x.py': '', 'modeling_x.py': '' };
    const { warnings = [] } = await examine(files);
    expect(warnings[0]).toMatch(/^it brings its own code .*--trust-remote-code/);
  });

  it('of another repository is named with that', async () => {
    const tokenizer = JSON.stringify({ auto_map: { AutoTokenizer: ['org/other--tok.Slow', null] } });
    const { warnings = [] } = await examine({ 'config.json': '{}', 'tokenizer_config.json': tokenizer });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/another repository, org\/other \(tok\.py\).*--trust-remote-code/);
  });

  it.each(['[]', '7', '{"auto_map": "x"}', '{"auto_map": {"a": [[["b.C"]]], "b": 7}}', '{', 'null'])(
    'is nowhere in %s',
    async (text) => {
      expect(await examine({ 'config.json': text })).toEqual({ also: [], warnings: [] });
    },
  );
});

describe('folders that configurations name', () => {
  const also = async (files: Record<string, string>) =>
    (
      await examine(
        files,
        Object.keys(files).filter((path) => !path.includes('/')),
      )
    ).also;

  it('are those of modules.json, without code and pickles', async () => {
    const modules = [{ path: '' }, { path: 'pooling' }, { path: './dense/' }];
    const files = {
      'modules.json': JSON.stringify(modules),
      'pooling/config.json': '{}',
      'dense/model.safetensors': 'w',
      'dense/pytorch_model.bin': 'w',
      'dense/code.py': '',
      'other/config.json': '{}',
    };
    expect(await also(files)).toEqual(['pooling/config.json', 'dense/model.safetensors']);
  });

  it('are the routes of a router', async () => {
    const files = {
      'router_config.json': JSON.stringify({ types: { query_0_Static: 'a.Static' } }),
      'query_0_Static/model.safetensors': 'w',
    };
    expect(await also(files)).toEqual(['query_0_Static/model.safetensors']);
  });

  it.each(['..', '/', 'a/../..', 'onnx', ''])('are not %j', async (path) => {
    const files = { 'modules.json': JSON.stringify([{ path }]), 'onnx/config.json': '{}', 'a/x.json': '' };
    expect(await also(files)).toEqual([]);
  });
});

describe('an adapter', () => {
  const adapter = { 'adapter_config.json': '{"base_model_name_or_path": "org/base"}' };

  it('alone is refused with the name of its base, and what to write', async () => {
    const { refusal } = await examine(adapter);
    expect(refusal?.problem).toBe('is a LoRA adapter without its base model, org/base');
    expect(refusal?.next).toContain('`source: hf://org/base`');
    expect(refusal?.next).toContain('--lora-modules');
  });

  it.each(['{}', '{"base_model_name_or_path": "/home/me/base"}', '{"base_model_name_or_path": 7}'])(
    'without a base on the hub (%s) gets no invented source',
    async (text) => {
      expect((await examine({ 'adapter_config.json': text })).refusal?.next).not.toContain('hf://');
    },
  );

  it('beside its base is served with it', async () => {
    expect((await examine({ ...adapter, 'config.json': '{}' })).refusal).toBeUndefined();
  });
});
