import { expect, it } from 'vitest';
import type { ModelSmoke } from '../../../model/types.ts';
import { checkAnswer } from '../check-answer.ts';
import { ownRequest } from './index.ts';
import { expectationOf, smokeOf } from './record.ts';

const v2 = (data: unknown[], shape: number[], name = 'y') => ({
  outputs: [{ name, datatype: 'FP32', shape, data }],
});
const rows = [[1], [2]];
const chat: ModelSmoke = { messages: [{ role: 'user', content: 'Hello' }] };
const said = (content: string) => ({ choices: [{ message: { content }, finish_reason: 'stop' }] });
const embeddings = (...vectors: number[][]) => ({ data: vectors.map((embedding) => ({ embedding })) });

/** Request, answer, the `expect` it becomes, and an answer that differs from it. */
it.each<[string, ModelSmoke, unknown, unknown, unknown]>([
  [
    'outputs with values',
    { rows },
    v2([0.5, 0.25], [2, 1]),
    { outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 1], data: [0.5, 0.25] }] },
    v2([0.5, 0.75], [2, 1]),
  ],
  [
    'nested data, flat, with the old tolerances',
    { rows, expect: { outputs: [{ name: 'y', data: [9, 9], tolerance: 0.1 }], tolerance: 0.2 } },
    v2([[0.5], [0.25]], [2, 1]),
    {
      outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 1], data: [0.5, 0.25], tolerance: 0.1 }],
      tolerance: 0.2,
    },
    v2([0.5, 0.4], [2, 1]),
  ],
  [
    'classes as classes',
    { rows, expect: { classes: [9, 9] } },
    v2([1, 0], [2]),
    { classes: [1, 0] },
    v2([0, 0], [2]),
  ],
  [
    'scores as scores of the same output',
    { rows, expect: { scores: [9, 9], output: 'p' } },
    v2([0.1, 0.9, 0.7, 0.3], [2, 2], 'p'),
    { scores: [1, 0], output: 'p' },
    v2([0.9, 0.1, 0.7, 0.3], [2, 2], 'p'),
  ],
  [
    'predictions of v1',
    { instances: rows },
    { predictions: [{ a: 1 }, { a: 2 }] },
    { predictions: [{ a: 1 }, { a: 2 }] },
    { predictions: [{ a: 1 }, { a: 3 }] },
  ],
  [
    'a text, each sign as itself',
    chat,
    said('1+1 = 2. (a|b) \\d'),
    { matches: '^1\\+1 = 2\\. \\(a\\|b\\) \\\\d$' },
    said('11 = 2. a'),
  ],
  [
    'the length of embeddings',
    { input: ['a', 'b'] },
    embeddings([1, 2], [2, 1]),
    { size: 2 },
    embeddings([1, 2, 3], [2, 1, 3]),
  ],
])('records %s', async (_, smoke, answer, expected, other) => {
  const { expect: recorded, less } = expectationOf(smoke, answer);
  expect(recorded).toEqual(expected);
  expect(less).toBeUndefined();
  if (recorded === undefined) return;
  const { expect: checked } = await ownRequest({ ...smoke, expect: recorded }, 'a', '.');
  expect(checkAnswer(checked, answer)).toEqual({ ok: true });
  expect(checkAnswer(checked, other)).toMatchObject({ ok: false });
});

it('of a long answer only the shape, of a long text only the start', async () => {
  const long = v2(Array(202).fill(0.5), [2, 101]);
  expect(expectationOf({ rows }, long)).toEqual({
    expect: { outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 101] }] },
    less: 'of y only type and shape, as it is long',
  });
  expect(expectationOf({ instances: rows }, { predictions: [Array(101).fill(1)] })).toEqual({
    less: 'the predictions have more than 100 values',
  });
  let deep: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  expect(expectationOf({ instances: rows }, { predictions: [deep] })).toHaveProperty('less');
  const { expect: recorded, less } = expectationOf(chat, said('ä'.repeat(500)));
  expect(recorded).toEqual({ matches: `^${'ä'.repeat(400)}` });
  expect(less).toBe('only the first 400 characters');
});

it('classes that are no longer classes become outputs', () => {
  expect(expectationOf({ rows, expect: { classes: [0, 0] } }, v2([0.5, 1], [2])).expect).toEqual({
    outputs: [{ name: 'y', datatype: 'FP32', shape: [2], data: [0.5, 1] }],
  });
});

it.each<[string, ModelSmoke]>([
  ['columns', { columns: { age: [39, 52], plan: ['a', 'b'], new: [true, false] } }],
  ['inputs', { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2] }] }],
  [
    'inputs with parameters',
    {
      inputs: [{ name: 'x', datatype: 'BYTES', shape: [1], data: ['a'] }],
      parameters: { content_type: 'str' },
    },
  ],
  ['instances', { instances: [[1, 2]] }],
  ['a prompt', { prompt: 'a' }],
  ['messages', chat],
  ['texts to embed', { input: ['a', 'b'] }],
])('a made request is written as %s', async (_, smoke) => {
  expect(await smokeOf(await ownRequest(smoke, 'a', '.'))).toEqual(smoke);
});

it('a request that is too long, or at another path, is not written', async () => {
  const long = await ownRequest({ rows: [Array(1001).fill(1)] }, 'a', '.');
  expect(await smokeOf(long)).toBeUndefined();
  expect(await smokeOf({ ...(await ownRequest({ rows }, 'a', '.')), path: '/v2/else' })).toBeUndefined();
});
