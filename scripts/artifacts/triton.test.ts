import { describe, expect, it } from 'vitest';
import { onnxWith } from '../../tests/support/model-files.ts';
import { readerOf } from '../../tests/support/model-reader.ts';
import { topLevelName } from './text-protobuf.ts';
import { chooseTriton, examineTriton, refuseTriton } from './triton.ts';

/** As in Triton's documentation, "Model Repository" and "Ensemble Models". */
const repository = [
  'classify/1/model.plan',
  'classify/config.pbtxt',
  'classify/labels.txt',
  'ensemble/1/.gitkeep',
  'ensemble/config.pbtxt',
  'net/1/model.onnx',
  'net/2/model.onnx',
  'net/2/weights.bin',
  'tokenize/1/model.py',
  'tokenize/1/vocab/words.txt',
  'tokenize/config.pbtxt',
  'tokenize/configs/a100.pbtxt',
  'saved/1/model.savedmodel/saved_model.pb',
];

describe('a model repository', () => {
  it('of several models, versions and backends is kept as it is, without what git leaves', () => {
    const others = ['.gitattributes', 'notes.txt', 'net/.gitignore', 'train.py'];
    const { take, leave } = chooseTriton([...repository, 'README.md', ...others]);
    expect(take).toEqual([...repository, 'README.md']);
    expect(leave).toEqual([]);
    expect(refuseTriton(repository)).toBeUndefined();
  });

  it.each([
    [['net/config.pbtxt', 'net/model.onnx'], 'no version folder with a file for the model net'],
    [['net/config.pbtxt', 'net/v1/model.onnx'], 'for the model net; Triton ignores net/v1'],
    [['net/config.pbtxt', 'net/01/model.onnx'], 'for the model net; Triton ignores net/01'],
    [['a/1/model.onnx', 'ensemble/config.pbtxt'], 'for the model ensemble'],
  ])('%j is refused', (paths, problem) => {
    expect(refuseTriton(paths)?.problem).toContain(problem);
    expect(refuseTriton(paths)?.next).toContain('/1/');
  });

  it('has in each config.pbtxt the name of its folder, or none', async () => {
    const files = { 'net/1/model.onnx': onnxWith('w'), 'net/1/w': 'w', 'net/config.pbtxt': 'name: "net"' };
    const chosen = ['net/1/model.onnx', 'net/config.pbtxt'];
    expect(await examineTriton(readerOf(files), chosen)).toEqual({ also: ['net/1/w'] });
    const other = readerOf({ ...files, 'net/config.pbtxt': 'backend: "onnxruntime"\nname: "resnet"' });
    expect((await examineTriton(other, chosen)).refusal).toEqual({
      problem: 'has net/config.pbtxt with the name `resnet`, but its folder is `net`',
      next: 'write `name: "net"`, remove the line, or rename the folder',
    });
  });
});

describe('a single graph', () => {
  const graph = { 'onnx/model.onnx': onnxWith('w.bin'), 'onnx/w.bin': 'w' };

  it('becomes the model `model`, with its data', async () => {
    const chosen = chooseTriton(Object.keys(graph)).take;
    expect(chosen).toEqual(['onnx/model.onnx']);
    expect(await examineTriton(readerOf(graph), chosen)).toEqual({
      also: ['onnx/w.bin'],
      places: { 'onnx/model.onnx': 'model/1/model.onnx', 'onnx/w.bin': 'model/1/w.bin' },
    });
  });

  it('gets the name of its config.pbtxt as folder', async () => {
    const files = { 'm.onnx': onnxWith('w.bin'), 'config.pbtxt': 'name: "resnet"' };
    expect((await examineTriton(readerOf(files), ['m.onnx', 'config.pbtxt'])).places).toEqual({
      'm.onnx': 'resnet/1/model.onnx',
      'config.pbtxt': 'resnet/config.pbtxt',
    });
    const bad = readerOf({ ...files, 'config.pbtxt': 'name: "../x"' });
    expect((await examineTriton(bad, ['m.onnx', 'config.pbtxt'])).refusal?.problem).toContain('`../x`');
  });

  it('with version folders, as OpenVINO Model Server has it, gets the folder that Triton wants', async () => {
    const files = { '1/model.onnx': onnxWith('w.bin'), '1/w.bin': 'w', 'README.md': '' };
    const chosen = chooseTriton(Object.keys(files)).take;
    expect((await examineTriton(readerOf(files), chosen)).places).toEqual({
      '1/model.onnx': 'model/1/model.onnx',
      '1/w.bin': 'model/1/w.bin',
    });
  });

  it('has to be one', () => {
    expect(refuseTriton(['onnx/a.onnx', 'onnx/b.onnx'])?.choices).toHaveLength(2);
  });
});

it.each([
  ['name: "a"', 'a'],
  ["name : 'a'", 'a'],
  ['backend: "b"\n  name:"a" max_batch_size: 8', 'a'],
  ['input [ { name: "x" } ]\noutput { name: "y" }', undefined],
  ['input [ { name: "x" } ]\nname: "a"', 'a'],
  ['# name: "b"\nname: "a" # not "c"', 'a'],
  ['parameters { key: "}" value { string_value: "{ name:" } }\nname: "a"', 'a'],
  ['platform: "name: \\"b\\""', undefined],
  ['name: "a" "b"', 'ab'],
  ['name: "b"\nname: "a"', 'a'],
  ['name: ""', undefined],
  ['', undefined],
])('reads the name of %s', (text, name) => {
  expect(topLevelName(text)).toBe(name);
});
