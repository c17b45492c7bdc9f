import { describe, expect, it } from 'vitest';
import { externalTensor, field, onnxOf, onnxWith } from '../../tests/support/model-files.ts';
import { readerOf } from '../../tests/support/model-reader.ts';
import {
  chooseGraph,
  examineGraphs,
  externalData,
  severalGraphs,
  withOpenvinoWarning,
} from './onnx-layout.ts';

const optimum = ['onnx/model.onnx', 'onnx/model_quantized.onnx', 'config.json'];

describe('severalGraphs', () => {
  it('lists them and says how to choose one', () => {
    expect(severalGraphs(optimum)).toEqual({
      problem: 'has 2 graphs: onnx/model.onnx and onnx/model_quantized.onnx',
      next: expect.stringContaining('`include: ["onnx/model.onnx"]`'),
      choices: optimum.slice(0, 2),
    });
  });

  it.each([[['onnx/model.onnx', 'README.md']], [['1/model.onnx', '2/model.onnx']], [[]]])(
    'accepts %j',
    (paths) => {
      expect(severalGraphs(paths)).toBeUndefined();
    },
  );

  it.each([[['1/a.onnx', '1/b.onnx']], [['1/model.onnx', 'model.onnx']], [['0/a.onnx', '1/a.onnx']]])(
    'refuses %j',
    (paths) => {
      expect(severalGraphs(paths)?.choices).toEqual(paths);
    },
  );
});

it('takes the graph at the top, and reports those in folders', () => {
  const choice = chooseGraph(['model.onnx', 'onnx/model.onnx', 'README.md']);
  expect(choice).toEqual({
    take: ['model.onnx', 'README.md'],
    leave: ['onnx/model.onnx'],
    why: 'the graph at the top is taken',
  });
  expect(chooseGraph(optimum).leave).toEqual([]);
});

describe('examineGraphs', () => {
  it('places a graph and the data that it names, of any name, beside each other', async () => {
    const graph = onnxOf(
      field(5, externalTensor({ location: 'weights.bin' })),
      field(5, externalTensor({ location: './deep/more', offset: '4', length: '4' })),
    );
    const files = { 'onnx/model.onnx': graph, 'onnx/weights.bin': '12345678', 'onnx/deep/more': '12345678' };
    expect(await examineGraphs(readerOf(files), ['onnx/model.onnx'], '1/')).toEqual({
      also: ['onnx/weights.bin', 'onnx/deep/more'],
      places: {
        'onnx/model.onnx': '1/model.onnx',
        'onnx/weights.bin': '1/weights.bin',
        'onnx/deep/more': '1/deep/more',
      },
    });
  });

  it('leaves a graph in its version folder, and takes the data beside it', async () => {
    const files = { '2/net.onnx': onnxWith('w'), '2/w': 'w', w: 'other' };
    expect(await examineGraphs(readerOf(files), ['2/net.onnx'], '1/')).toEqual({ also: ['2/w'], places: {} });
  });

  it.each(['../secret', '/etc/passwd', 'a/../../secret', 'missing'])('takes no %s', async (location) => {
    const files = { 'onnx/model.onnx': onnxWith(location), secret: 's', 'etc/passwd': 's' };
    expect((await examineGraphs(readerOf(files), ['onnx/model.onnx'], '1/')).also).toEqual([]);
  });

  it('skips the weights in a graph, and reads little of it', async () => {
    const weights = field(5, Buffer.concat([field(8, 'w'), field(9, Buffer.alloc(20 * 1024 ** 2))]));
    const graph = onnxOf(weights, field(5, externalTensor({ location: 'w' })));
    const reader = readerOf({ 'model.onnx': graph, w: 'w' });
    expect((await examineGraphs(reader, ['model.onnx'], '1/')).also).toEqual(['w']);
    expect(reader.bytesRead()).toBeLessThan(1024 ** 2);
  });

  it('stops in a graph of endless small tensors', async () => {
    const one = field(5, externalTensor({ location: 'x' }));
    const graph = onnxOf(Buffer.alloc(one.length * 300_000, one));
    const reader = readerOf({ 'model.onnx': graph });
    expect(graph.length).toBeGreaterThan(8 * 1024 ** 2);
    expect(await externalData(reader, 'model.onnx', 2 * 1024 ** 2)).toEqual(['x']);
    // The last read may be of 4 MiB.
    expect(reader.bytesRead()).toBeLessThan(7 * 1024 ** 2);
  });
});

describe('withOpenvinoWarning', () => {
  it('names the weights that OpenVINO does not find through `oci://`', () => {
    const examined = { also: ['onnx/a.bin', 'onnx/b.bin'], places: {} };
    const { warnings, ...same } = withOpenvinoWarning(examined);
    expect(same).toEqual(examined);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^the graph's weights are files of their own \(onnx\/a\.bin and onnx\/b\.bin\).*`oci\+native:\/\/`/,
      ),
    ]);
  });

  it('says nothing of a graph with its weights inside', () => {
    expect(withOpenvinoWarning({ also: [], places: {} })).toEqual({ also: [], places: {} });
  });
});
