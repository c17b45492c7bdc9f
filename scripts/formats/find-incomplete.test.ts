import { describe, expect, it } from 'vitest';
import { findIncomplete, type WholeFile } from './find-incomplete.ts';

/** Files of one byte each, unless overridden. */
function files(paths: Record<string, Partial<WholeFile>> | string[]): WholeFile[] {
  const entries = Array.isArray(paths) ? paths.map((path) => [path, {}] as const) : Object.entries(paths);
  return entries.map(([path, more]) => ({ path, size: 1, ...more }));
}

const shards = (...names: string[]) => ({
  finding: { needs: names.map((name) => ({ name })), role: 'a shard' },
});
const data = (name: string, bytes?: number) => ({
  finding: { needs: [{ name, ...(bytes && { bytes }) }], role: 'external data' },
});

describe('empty files', () => {
  it.each([
    'model.bin',
    'a/model.safetensors',
    'model.Q4_K_M.gguf',
    'model.joblib',
    'model.onnx.data',
    'model.txt',
  ])('are refused as weights: %s', (path) =>
    expect(findIncomplete(files({ [path]: { size: 0 } }))).toEqual({ path, problem: 'is empty' }),
  );

  it.each([
    '__init__.py',
    '.gitkeep',
    'added_tokens.json',
    'merges.txt',
    'training_args.bin',
    'LICENSE',
    '1/assets/x',
  ])('are accepted: %s', (path) =>
    expect(findIncomplete(files({ [path]: { size: 0 }, 'model.bin': {} }))).toBeUndefined(),
  );

  it('are accepted as the weights of an OpenVINO model that has none', () => {
    expect(findIncomplete(files({ 'm.xml': {}, 'm.bin': { size: 0 } }))).toBeUndefined();
  });

  it('do not satisfy a requirement of the server, unless another file does', () => {
    const needed = [(path: string) => /^vocab\.(txt|json)$/.test(path)];
    expect(findIncomplete(files({ 'vocab.txt': { size: 0 } }), needed)).toEqual({
      path: 'vocab.txt',
      problem: 'is empty',
    });
    expect(findIncomplete(files({ 'vocab.txt': { size: 0 }, 'vocab.json': {} }), needed)).toBeUndefined();
    expect(findIncomplete(files(['other']), needed)).toBeUndefined();
  });
});

describe('numbered parts', () => {
  it.each([
    [['m-00001-of-00002.safetensors', 'm-00002-of-00002.safetensors']],
    [['m-00001-of-00001.gguf']],
    [['a/m-00001-of-00002.gguf', 'a/m-00002-of-00002.gguf', 'b/m-00001-of-00001.gguf']],
    [['m-00001-of-00002.bin', 'm-00002-of-00002.bin', 'm-00001-of-00001.bin']],
    [['variables/variables.data-00000-of-00002', 'variables/variables.data-00001-of-00002']],
    [['train-00001-of-00009.parquet', 'chapter-0001-of-0003.txt', 'page-00001-of-00009']],
  ])('are complete: %s', (paths) => expect(findIncomplete(files(paths))).toBeUndefined());

  it.each([
    [
      ['m-00001-of-00003.safetensors', 'm-00003-of-00003.safetensors'],
      'm-00002-of-00003.safetensors',
      /^is one of 3 parts, of which one is missing: m-00002-of-00003\.safetensors$/,
    ],
    [
      ['q/m-00002-of-00003.gguf'],
      'q/m-00001-of-00003.gguf',
      /of which 2 are missing: q\/m-00001-of-00003\.gguf$/,
    ],
    [['m.fp16-00001-of-00002.bin'], 'm.fp16-00002-of-00002.bin', /one is missing/],
    [['v.data-00000-of-00002'], 'v.data-00001-of-00002', /one is missing/],
    [['m-00001-of-00002.bin', 'm-00002-of-00003.bin'], 'm-00002-of-00002.bin', /one is missing/],
    [['m-000001-of-999999.bin'], 'm-000002-of-999999.bin', /999998 are missing/],
  ])('are incomplete: %s', (paths, missing, problem) => {
    expect(findIncomplete(files(paths))).toEqual({
      path: paths[0],
      missing,
      problem: expect.stringMatching(problem),
    });
  });

  it('are refused when one exceeds the stated count', () => {
    expect(findIncomplete(files(['m-00001-of-00002.bin', 'm-00003-of-00002.bin']))).toEqual({
      path: 'm-00001-of-00002.bin',
      problem: 'is one of 2 parts, but m-00003-of-00002.bin exists',
    });
  });
});

describe('a file that another one names', () => {
  it('is looked for in the same folder', () => {
    const found = {
      'a/m.safetensors.index.json': shards('x.safetensors', './y.safetensors'),
      'a/x.safetensors': {},
    };
    expect(findIncomplete(files({ ...found, 'a/y.safetensors': {} }))).toBeUndefined();
    expect(findIncomplete(files({ ...found, 'y.safetensors': {} }))).toEqual({
      path: 'a/m.safetensors.index.json',
      problem: 'names `./y.safetensors` as a shard, but the file is missing',
      missing: 'a/y.safetensors',
    });
  });

  it.each(['../w.data', '/etc/passwd', 'a/../../w.data', 'C:\\w.data', '..\\w.data'])(
    'must be inside that folder: %s',
    (name) => {
      const problem = `names \`${name}\` as external data, which is outside its folder`;
      expect(findIncomplete(files({ '1/m.onnx': data(name), 'w.data': {} }))).toEqual({
        path: '1/m.onnx',
        problem,
        leadsOut: true,
      });
    },
  );

  it('must have a name', () => {
    expect(findIncomplete(files({ 'm.onnx': data('') }))?.problem).toBe('names no file as external data');
  });

  it('must have the required number of bytes', () => {
    const model = { '1/m.onnx': data('w.data', 10) };
    expect(findIncomplete(files({ ...model, '1/w.data': { size: 10 } }))).toBeUndefined();
    expect(findIncomplete(files({ ...model, '1/w.data': { size: 9 } }))).toEqual({
      path: '1/w.data',
      problem: 'is truncated: it has 9 bytes, `1/m.onnx` needs 10 of it',
    });
  });

  it('is not required when weights exist that are read without the index', () => {
    const bin = { 'pytorch_model.bin.index.json': shards('p-1.bin', 'p-2.bin') };
    const variant = { 'm.safetensors.index.fp16.json': shards('m.fp16-1.safetensors') };
    expect(findIncomplete(files({ ...bin, 'model.safetensors': {} }))).toBeUndefined();
    expect(findIncomplete(files({ ...variant, 'm.safetensors': {} }))).toBeUndefined();
    // vLLM reads only the weights that a safetensors index lists.
    const own = { 'm.safetensors.index.json': shards('m-1.safetensors') };
    expect(findIncomplete(files({ ...own, 'm.safetensors': {} }))?.missing).toBe('m-1.safetensors');
    for (const rest of [
      {},
      { 'p-1.bin': {}, 'model.safetensors': {} },
      { 'training_args.bin': {}, 'tokenizer.model': {} },
    ])
      expect(findIncomplete(files({ ...bin, ...rest }))?.missing).toBe(
        'p-1.bin' in rest ? 'p-2.bin' : 'p-1.bin',
      );
  });
});

it('reports a problem of the file itself first', () => {
  const broken = { problem: 'is a Git LFS pointer, not the file', isPointer: true } as const;
  const found = findIncomplete(files({ 'a-00001-of-00002.bin': { finding: broken }, 'b.bin': { size: 0 } }));
  expect(found).toEqual({ path: 'a-00001-of-00002.bin', ...broken });
});
