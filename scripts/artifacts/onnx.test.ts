import { expect, it } from 'vitest';
import { sourceFile, sourceOf, sparseSource } from '../../tests/support/byte-source.ts';
import { field, onnxModel, tensor } from '../../tests/support/onnx-bytes.ts';
import { readOnnx } from './onnx.ts';

it('reads the sample as its train.py describes it', async () => {
  const found = await readOnnx(
    await sourceFile(new URL('../../frameworks/onnx/model.onnx', import.meta.url)),
  );
  expect(found).toMatchObject({
    inputs: [{ name: 'rows', type: 1, shape: ['n', 4] }],
    outputs: [{ name: 'predict', type: 7, shape: ['n'] }],
    irVersion: 8,
    opsets: new Map([['ai.onnx', 13]]),
  });
});

it('reads sizes, symbols and unknown sizes, and leaves out inputs that are initializers', async () => {
  const bytes = onnxModel(
    [
      tensor('ids', 7, ['batch', 'length']),
      tensor('weight', 1, [3]),
      tensor('image', 1, [null, 3, 224, 224]),
    ],
    [tensor('logits', 1, ['batch', 2])],
    { opsets: { '': 21, 'ai.onnx.ml': 3 }, graph: [field(5, field(8, 'weight'))] },
  );
  expect(await readOnnx(sourceOf(bytes))).toEqual({
    inputs: [
      { name: 'ids', type: 7, shape: ['batch', 'length'] },
      { name: 'image', type: 1, shape: [undefined, 3, 224, 224] },
    ],
    outputs: [{ name: 'logits', type: 1, shape: ['batch', 2] }],
    irVersion: 8,
    opsets: new Map([
      ['ai.onnx', 21],
      ['ai.onnx.ml', 3],
    ]),
    producer: { name: 'pytorch', version: '2.5.1' },
  });
});

it('skips weights of 1.5 GB', async () => {
  const size = 1.5 * 1024 ** 3;
  // The weights follow their length; so the graph's and the tensor's lengths include them.
  const lengthOf = (bytes: number) => field(9, Buffer.alloc(0)).length + bytes;
  const raw = Buffer.concat([field(8, 'w'), Buffer.from([9 * 8 + 2])]);
  const length = (value: number) => field(1, value).subarray(1);
  const weights = Buffer.concat([raw, length(size)]);
  const initializer = Buffer.concat([Buffer.from([5 * 8 + 2]), length(weights.length + size), weights]);
  const rest = Buffer.concat([field(11, tensor('x', 1, ['n', 6])), field(12, tensor('y', 1, ['n']))]);
  const graph = initializer.length + size + rest.length;
  const start = Buffer.concat([field(1, 9), Buffer.from([7 * 8 + 2]), length(graph), initializer]);
  expect(lengthOf(0)).toBe(2);
  const source = sparseSource(start, size, rest, field(8, field(2, 17)));
  expect(await readOnnx(source)).toMatchObject({ inputs: [{ name: 'x', shape: ['n', 6] }], irVersion: 9 });
  expect(source.taken).toBeLessThan(100_000);
});

it.each<[string, Buffer]>([
  ['nothing', Buffer.alloc(0)],
  ['text', Buffer.from('hello world')],
  ['no graph', field(1, 8)],
  ['cut short', onnxModel([tensor('x', 1, [1])], [tensor('y', 1, [1])]).subarray(0, 30)],
  ['dimensions without end', onnxModel([tensor('x', 1, new Array(500).fill(1))], [tensor('y', 1, [1])])],
])('says nothing: %s', async (_, bytes) => {
  expect(await readOnnx(sourceOf(bytes))).toBeUndefined();
});
