/** What `lock` says of the files of repositories on a hub as people have them, beside their hashes. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { noise, tryModelcars } from '../parts/cli.ts';
import { type Hub, startHub } from '../parts/hub.ts';
import { safetensors } from '../support/model-files.ts';

const common = { 'config.json': '{"architectures": ["LlamaForCausalLM"]}', 'tokenizer.json': '{}' };
const weights = { 'model.safetensors': safetensors(noise(1000, 1)) };
const pickle = { 'pytorch_model.bin': noise(1000, 2) };
const ofCode = JSON.stringify({
  architectures: ['XForCausalLM'],
  auto_map: {
    AutoConfig: 'configuration_x.XConfig',
    AutoModelForCausalLM: 'modeling_x.XForCausalLM',
    AutoProcessor: 'other-org/processor--processing_y.YProcessor',
  },
});

let hub: Hub;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-hub-files-'));
  const title = 'Adding `safetensors` variant of this model';
  hub = await startHub({
    models: {
      'org/bins': {
        files: { ...common, ...pickle },
        revisions: { 'refs/pr/5': { ...common, ...pickle, ...weights } },
        discussions: [
          { num: 4, title: 'Which licence?', author: 'ann', isPullRequest: false },
          { num: 5, title, author: 'SFconvertbot' },
        ],
      },
      'org/lonely': { files: { ...common, ...pickle } },
      'org/more': {
        files: {
          ...common,
          ...weights,
          ...pickle,
          '.gitattributes': '*',
          'card.png': 'picture',
          'onnx/model.onnx': 'graph',
          'original/params.json': '{}',
          'lexicon.dat': 'x'.repeat(2000),
          'voices/a.npy': 'y'.repeat(500),
        },
      },
      'org/plain': {
        files: { ...common, ...weights, ...pickle, '.gitattributes': '*', 'card.png': 'picture' },
      },
      'org/code': { files: { ...common, ...weights, 'config.json': ofCode, 'modeling_x.py': 'import os' } },
      'org/folders': {
        files: {
          ...common,
          ...weights,
          'modules.json': '[{"path": ""}, {"path": "pooling"}, {"path": "dense"}]',
          'pooling/config.json': '{}',
          'dense/model.safetensors': weights['model.safetensors'],
          'additional_chat_templates/rag.jinja': '{{ messages }}',
        },
      },
    },
  });
});
afterAll(async () => {
  await hub?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** Locks one repository. Returns what was printed, on lines of their own, and the locked paths. */
async function lock(source: string, more: Record<string, unknown> = {}) {
  const cwd = await mkdtemp(join(folder, 'run-'));
  const home = join(folder, 'home');
  await mkdir(home, { recursive: true });
  const entry = { name: 'llm', framework: 'vllm', base: 'embedded', source, ...more };
  await writeFile(join(cwd, 'models.yaml'), stringify({ models: [entry] }));
  const env = { HF_ENDPOINT: hub.url, HF_HOME: home, HF_TOKEN: undefined, HF_TOKEN_PATH: undefined };
  const { code, stderr } = await tryModelcars(['lock'], { cwd, env });
  const text = await readFile(join(cwd, 'models.lock.yaml'), 'utf8').catch(() => '{}');
  const files: { path: string }[] = parse(text).models?.llm?.files ?? [];
  return { code, stderr, lines: stderr.split('\n'), paths: files.map(({ path }) => path) };
}

test("only pickles: the safetensors that the hub's bot proposes are named, and can be locked", async () => {
  const { code, stderr } = await lock('hf://org/bins');
  expect(code).toBe(1);
  expect(stderr).toContain('vllm needs *.safetensors');
  expect(stderr).toContain(
    "take `source: hf://org/bins:refs/pr/5`, where the hub's own bot has converted them",
  );
  const proposed = await lock('hf://org/bins:refs/pr/5');
  expect(proposed.code, proposed.stderr).toBe(0);
  expect(proposed.paths).toContain('model.safetensors');
  expect(proposed.paths).not.toContain('pytorch_model.bin');
});

test('only pickles, without a proposal: conversion or an explicit `include` is suggested, which warns', async () => {
  const { code, stderr } = await lock('hf://org/lonely');
  expect(code).toBe(1);
  expect(stderr).toContain('convert them (`save_pretrained` writes safetensors)');
  expect(stderr).not.toContain('refs/pr');
  const asked = await lock('hf://org/lonely', { include: ['*.json', '*.bin'] });
  expect(asked.code, asked.stderr).toBe(0);
  expect(asked.paths).toContain('pytorch_model.bin');
  expect(asked.stderr).toMatch(/warning.*llm: pytorch_model\.bin: pickles can run code when they are read/);
});

test('one line names what was left out and is no known duplicate, with its size', async () => {
  const { code, lines, paths } = await lock('hf://org/more');
  expect(code).toBe(0);
  expect(paths).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  const said = lines.filter((line) => line.includes('left out'));
  expect(said).toEqual([
    expect.stringMatching(
      /llm: left out 2 files \(2\.\d+ kB\): lexicon\.dat and voices\/a\.npy; add them with `include`/,
    ),
  ]);
});

test.each([
  ['hf://org/plain', {}],
  ['hf://org/more', { exclude: ['lexicon.dat', 'voices/**'] }],
  ['hf://org/more', { include: ['*.json', '*.safetensors'] }],
])(
  'nothing is said of known duplicates, nor of what the model itself leaves out: %s %j',
  async (source, more) => {
    const { code, stderr } = await lock(source, more);
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain('left out');
  },
);

test('`auto_map`: the code files are named, and the other repository with its own', async () => {
  const { code, lines } = await lock('hf://org/code');
  expect(code).toBe(0);
  const warnings = lines.filter((line) => line.includes('trust-remote-code'));
  expect(warnings).toEqual([
    expect.stringMatching(/its own code \(configuration_x\.py and modeling_x\.py\), which is left out/),
    expect.stringMatching(/another repository, other-org\/processor \(processing_y\.py\)/),
  ]);
});

test('folders that configurations name come along', async () => {
  const { code, paths, stderr } = await lock('hf://org/folders');
  expect(code, stderr).toBe(0);
  expect(paths).toEqual([
    'additional_chat_templates/rag.jinja',
    'config.json',
    'dense/model.safetensors',
    'model.safetensors',
    'modules.json',
    'pooling/config.json',
    'tokenizer.json',
  ]);
  expect(stderr).not.toContain('left out');
});
