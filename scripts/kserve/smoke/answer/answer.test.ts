import { describe, expect, it } from 'vitest';
import type { SmokeExpectation } from '../../../model/types.ts';
import { checkAnswer } from '../check-answer.ts';

const why = (wanted: SmokeExpectation, given: unknown): string => {
  const result = checkAnswer(wanted, given);
  return result.ok ? 'right' : result.why;
};
const output = (shape: number[], data: unknown[], name = 'predict', datatype = 'FP32') => ({
  name,
  shape,
  datatype,
  data,
});

describe('outputs of protocol v2', () => {
  const any: SmokeExpectation = { read: 'outputs', rows: 2, outputs: [] };
  it.each([
    ['labels', [output([2, 1], [0, 1])], 'right'],
    ['texts', [output([2], ['a', 'b'], 'label', 'BYTES')], 'right'],
    ['several outputs', [output([2], [0, 1]), output([2, 3], [1, 2, 3, 4, 5, 6], 'scores')], 'right'],
    ['no output', [], 'the answer has no output'],
    [
      'a row too few',
      [output([1], [0])],
      'output "predict" has the shape [1], which is not one row for each of 2',
    ],
    ['a row too few in the second output', [output([2], [0, 1]), output([3], [1, 2, 3], 'b')], 'output "b"'],
    ['fewer values than the shape', [output([2, 2], [0, 1])], 'has 2 values, and its shape [2,2]'],
    ['a null', [output([2], [null, 1])], 'no finite number'],
    ['infinity', [output([2], [Number.POSITIVE_INFINITY, 1])], 'no finite number'],
  ])('any answer, given %s', (_, outputs, expected) => {
    expect(why(any, { outputs })).toContain(expected);
  });

  const values: SmokeExpectation = {
    read: 'outputs',
    outputs: [{ name: 'predict', datatype: 'FP32', shape: [null, 2], data: [0.25, 100, 3, 4] }],
  };
  it.each([
    ['the same', output([2, 2], [0.25, 100, 3, 4]), 'right'],
    [
      'nested data',
      output(
        [2, 2],
        [
          [0.25, 100],
          [3, 4],
        ],
      ),
      'right',
    ],
    ['rounded as float32', output([2, 2], [0.250001, 100.005, 3, 4]), 'right'],
    [
      'another value',
      output([2, 2], [0.25, 100, 3.1, 4]),
      'value 2 of output "predict" is 3.1, not 3 (tolerance',
    ],
    ['another type', output([2, 2], [0.25, 100, 3, 4], 'predict', 'FP64'), 'is of type "FP64", not "FP32"'],
    ['another shape', output([4], [0.25, 100, 3, 4]), 'has the shape [4], not [any,2]'],
    ['another name', output([2, 2], [0.25, 100, 3, 4], 'y'), 'there is no output "predict", only ["y"]'],
    ['a text', output([2, 2], ['0.25', 100, 3, 4]), 'value 0 of output "predict" is "0.25", not 0.25'],
  ])('values, given %s', (_, one, expected) => {
    expect(why(values, { outputs: [one] })).toContain(expected);
  });

  it('takes the tolerance that is given', () => {
    const wanted = { read: 'outputs' as const, outputs: [{ data: [1], tolerance: 0.5 }] };
    expect(why(wanted, { outputs: [output([1], [1.5])] })).toBe('right');
    expect(why(wanted, { outputs: [output([1], [1.6])] })).toContain('tolerance 0.5');
  });

  it("shows the server's own error", () => {
    expect(why(any, { error: 'X has 4 features' })).toBe('the server says "X has 4 features"');
  });
});

describe('predictions of protocol v1', () => {
  it.each<[string, unknown, string]>([
    ['the same', [{ label: 'a', score: 0.5 }, [1, 2]], 'right'],
    ['more keys', [{ label: 'a', score: 0.5, more: 1 }, [1, 2]], 'right'],
    [
      'another label',
      [{ label: 'b', score: 0.5 }, [1, 2]],
      '"label" of value 0 of the list of predictions is "b"',
    ],
    [
      'another length',
      [{ label: 'a', score: 0.5 }, [1]],
      'value 1 of the list of predictions has 1 values, not 2',
    ],
    ['one too few', [{ label: 'a', score: 0.5 }], 'there are 1 predictions for 2 instances'],
    ['a null', [null, [1, 2]], 'prediction 0 is null'],
  ])('given %s', (_, predictions, expected) => {
    const wanted: SmokeExpectation = {
      read: 'predictions',
      rows: 2,
      predictions: [{ label: 'a', score: 0.5 }, [1, 2]],
    };
    expect(why(wanted, { predictions })).toContain(expected);
  });
});

describe('embeddings', () => {
  const embed = (...vectors: number[][]) => ({
    data: vectors.map((embedding, index) => ({ index, embedding })),
  });
  it.each<[string, unknown, string]>([
    ['two vectors', embed([1, 0], [0, 1]), 'right'],
    ['one too few', embed([1, 0]), 'there are 1 embeddings for 2 inputs'],
    ['different lengths', embed([1, 0], [1]), 'embedding 1 has 1 numbers, not 2'],
    ['empty vectors', embed([], []), 'embedding 0 has 0 numbers'],
    ['zeros', embed([1, 0], [0, 0]), 'embedding 1 is all zeros'],
    ['the same for all', embed([1, 2], [1, 2]), 'the embeddings of all inputs are the same'],
    ['base64', { data: [{ embedding: 'AAAA' }] }, 'no list of embeddings but'],
  ])('given %s', (_, answer, expected) => {
    expect(why({ read: 'embeddings', count: 2 }, answer)).toContain(expected);
  });

  it('have the size that is given', () => {
    expect(why({ read: 'embeddings', count: 1, size: 3 }, embed([1, 2]))).toBe(
      'embedding 0 has 2 numbers, not 3',
    );
  });
});

describe('generated text', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  const chat = (content: string) => ({ choices: [{ message: { content }, finish_reason: 'stop' }], usage });
  it.each<[string, SmokeExpectation, unknown, string]>([
    ['a chat answer', { read: 'text' }, chat('Paris.'), 'right'],
    ['a match', { read: 'text', pattern: '[Pp]aris' }, chat('It is Paris.'), 'right'],
    [
      'no match',
      { read: 'text', pattern: '^Paris' },
      chat('London'),
      'the text does not match "^Paris": "London"',
    ],
    [
      'a completion',
      { read: 'text', pattern: 'a$' },
      { choices: [{ text: 'a', finish_reason: 'length' }] },
      'right',
    ],
    ['too many tokens', { read: 'text', maxTokens: 1 }, chat('Paris'), 'there are 2 tokens, more than 1'],
    ['only signs', { read: 'text' }, chat('!!!'), 'no letter and no digit'],
    [
      'an error',
      { read: 'text' },
      { error: { message: 'no chat template' } },
      'the server says "no chat template"',
    ],
  ])('given %s', (_, wanted, answer, expected) => {
    expect(why(wanted, answer)).toContain(expected);
  });

  it('gives up on a pattern that takes too long', () => {
    const wanted: SmokeExpectation = { read: 'text', pattern: '^(a+)+$' };
    expect(why(wanted, chat(`${'a'.repeat(60)}!`))).toBe('matching "^(a+)+$" takes longer than 1000 ms');
  });
});
