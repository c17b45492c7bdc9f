import { describe, expect, it } from 'vitest';
import type { CompletionExpectation, TensorExpectation } from '../../model/types.ts';
import { checkAnswer } from './check-answer.ts';

const three: TensorExpectation = { output: 'predict', classes: [2, 0, 1], read: 'labels' };
const threeScores: TensorExpectation = { ...three, read: 'scores' };

/** An answer in the form of MLServer 1.7.1. */
function answer(shape: number[], data: unknown[], name = 'predict'): unknown {
  return {
    model_name: 'iris',
    id: '3f2c',
    parameters: {},
    outputs: [{ name, shape, datatype: 'INT64', parameters: { content_type: 'np' }, data }],
  };
}

const right = [0.1, 0.2, 0.7, 0.9, 0.05, 0.05, 0.3, 0.4, 0.3];

describe('checkAnswer', () => {
  it.each([
    ['[n,1] labels', three, answer([3, 1], [2, 0, 1])],
    ['[n] labels', three, answer([3], [2, 0, 1])],
    ['nested labels', three, answer([3, 1], [[2], [0], [1]])],
    ['labels as floats', three, answer([3], [2.0, 0.0, 1.0])],
    ['scores', threeScores, answer([3, 3], right)],
    [
      'nested scores',
      threeScores,
      answer(
        [3, 3],
        [
          [-5, -4, 9],
          [-1, -2, -3],
          [0, 1e30, 7],
        ],
      ),
    ],
  ])('accepts %s', (_, wanted, given) => {
    expect(checkAnswer(wanted, given)).toEqual({ ok: true });
  });

  it('finds its output among others', () => {
    const given = {
      outputs: [
        { name: 'predict_proba', shape: [3, 3], data: right },
        { name: 'predict', shape: [3], data: [2, 0, 1] },
      ],
    };
    expect(checkAnswer(three, given)).toEqual({ ok: true });
  });

  it('names the wrong row and its class', () => {
    expect(checkAnswer(three, answer([3, 1], [2, 1, 0]))).toEqual({
      ok: false,
      expected: [2, 0, 1],
      got: [2, 1, 0],
      why: 'row 1 is of class 0, not 1',
    });
    const swapped = [...right.slice(3, 6), ...right.slice(0, 3), ...right.slice(6)];
    expect(checkAnswer(threeScores, answer([3, 3], swapped))).toMatchObject({ ok: false, got: [0, 2, 1] });
  });

  it.each([
    ['too few rows', three, answer([2, 1], [2, 0]), 'the shape is [2,1] with 2 values'],
    ['more data than its shape', three, answer([3], [2, 0, 1, 1]), 'the shape is [3] with 4 values'],
    ['scores for labels', three, answer([3, 3], right), 'the shape is [3,3] with 9 values'],
    ['a third dimension', three, answer([3, 1, 1], [2, 0, 1]), 'the shape is [3,1,1]'],
    ['labels for scores', threeScores, answer([3, 1], [2, 0, 1]), 'the shape is [3,1] with 3 values'],
    ['a flat shape for scores', threeScores, answer([9], right), 'the shape is [9] with 9 values'],
    ['no column for class 2', threeScores, answer([3, 2], [0, 1, 1, 0, 0, 1]), 'the shape is [3,2]'],
    [
      'nesting beyond its shape',
      three,
      answer(
        [3],
        [[2], [0], [1]].map((row) => [row]),
      ),
      'holds [2]',
    ],
    ['NaN encoded as null', three, answer([3], [2, null, 1]), 'holds null, which is no finite number'],
    ['NaN', threeScores, answer([3, 3], [Number.NaN, ...right.slice(1)]), 'holds NaN'],
    [
      'Infinity',
      threeScores,
      answer([3, 3], [...right.slice(1), Number.POSITIVE_INFINITY]),
      'holds Infinity',
    ],
    ['strings', three, answer([3], ['virginica', 'setosa', 'versicolor']), 'holds "virginica"'],
    [
      'a tie',
      threeScores,
      answer([3, 3], [0.4, 0.2, 0.4, ...right.slice(3)]),
      'row 0 appears more than once',
    ],
    ['another output', three, answer([3], [2, 0, 1], 'score'), 'no output "predict", only ["score"]'],
    ['no output', three, { outputs: [] }, 'no output "predict", only []'],
    ['an error of MLServer', three, { error: 'Model iris not found' }, 'says "Model iris not found"'],
    [
      'an error of FastAPI',
      three,
      { detail: [{ msg: 'field required' }] },
      'says [{"msg":"field required"}]',
    ],
    ['a v1 answer', three, { predictions: [2, 0, 1] }, 'no v2 answer but {"predictions":[2,0,1]}'],
    ['a page of a proxy', three, '<html>', 'no v2 answer but "<html>"'],
    ['nothing', three, undefined, 'no v2 answer but undefined'],
  ])('refuses %s', (_, wanted, given, why) => {
    const result = checkAnswer(wanted, given);
    expect(result).toMatchObject({ ok: false, expected: [2, 0, 1] });
    expect(result).not.toHaveProperty('got');
    expect(result).toHaveProperty('why', expect.stringContaining(why));
  });

  it('escapes control characters and shortens the text', () => {
    const result = checkAnswer(three, { error: `\u001b[2J\u009b2J\u202e${'x'.repeat(5000)}` });
    expect(result).toHaveProperty('why', expect.stringMatching(/^[ -~…]{1,300}$/));
  });

  it('reads many columns without overflowing the stack', () => {
    const columns = 400_000;
    const line = new Array<number>(columns).fill(0).with(7, 1);
    expect(checkAnswer({ ...threeScores, classes: [7] }, answer([1, columns], line))).toEqual({ ok: true });
  });
});

describe('checkAnswer of a completion', () => {
  const wanted: CompletionExpectation = { read: 'completion', maxTokens: 16 };

  /** In the form of vLLM 0.11 (vllm/entrypoints/openai/protocol.py, CompletionResponse). */
  function completion(choice: Record<string, unknown> = {}, usage: Record<string, unknown> = {}) {
    return {
      id: 'cmpl-1',
      object: 'text_completion',
      created: 1764685941,
      model: 'granite',
      choices: [
        { index: 0, text: ' Paris.', logprobs: null, finish_reason: 'stop', stop_reason: null, ...choice },
      ],
      usage: {
        prompt_tokens: 5,
        total_tokens: 8,
        completion_tokens: 3,
        prompt_tokens_details: null,
        ...usage,
      },
    };
  }

  it.each([
    ['a completion that ended', completion()],
    [
      'a completion cut at its token limit',
      completion({ finish_reason: 'length' }, { completion_tokens: 16, total_tokens: 21 }),
    ],
    ['another script', completion({ text: '巴黎' })],
    ['digits', completion({ text: '\n4' })],
  ])('accepts %s', (_, given) => {
    expect(checkAnswer(wanted, given)).toEqual({ ok: true });
  });

  it.each([
    ['no text', completion({ text: '' }), 'no letter and no digit: ""'],
    ['the first token repeated', completion({ text: '!!!!!!!!' }), 'no letter and no digit'],
    ['blanks', completion({ text: ' \n\t' }), 'no letter and no digit'],
    ['a text without an end', completion({ finish_reason: null }), 'ended with null'],
    ['a text that ended with an error', completion({ finish_reason: 'error' }), 'ended with "error"'],
    ['no choice', { ...completion(), choices: [] }, '0 choices'],
    [
      'two choices',
      { ...completion(), choices: [completion().choices[0], completion().choices[0]] },
      '2 choices',
    ],
    ['zero tokens', completion({}, { completion_tokens: 0, total_tokens: 5 }), 'do not add up'],
    ['a wrong sum', completion({}, { total_tokens: 9 }), 'do not add up'],
    ['half a token', completion({}, { completion_tokens: 2.5, total_tokens: 7.5 }), 'do not add up'],
    [
      'too many tokens',
      completion({}, { completion_tokens: 17, total_tokens: 22 }),
      '17 tokens, more than 16',
    ],
    ['no usage', { ...completion(), usage: null }, 'no completion but'],
    ['an error of vLLM', { error: { message: 'no such model', code: 404 } }, 'says "no such model"'],
    ['an error of an older vLLM', { object: 'error', message: 'no such model' }, 'says "no such model"'],
    ['a v2 answer', answer([3], [2, 0, 1]), 'no completion but'],
    ['a page of a proxy', '<html>', 'no completion but "<html>"'],
  ])('refuses %s', (_, given, why) => {
    const result = checkAnswer(wanted, given);
    expect(result).toMatchObject({ ok: false });
    expect(result).not.toHaveProperty('expected');
    expect(result).toHaveProperty('why', expect.stringContaining(why));
  });
});
