import type { TensorExpectation } from '../../../model/types.ts';
import type { AnswerCheck } from './compare-values.ts';
import { responseSchema } from './outputs.ts';
import { notAnAnswer, show } from './text.ts';

/**
 * Compares a v2 response with true classes. Numbers have to be finite, and the shape has to match the data and the
 * number of rows: `[n]` or `[n, 1]` for labels, `[n, classes]` for scores, where each row's largest score has to be
 * unique.
 */
export function checkClasses(expect: TensorExpectation, answer: unknown): AnswerCheck {
  const expected = [...expect.classes];
  const read = readClasses(expect, answer);
  if ('why' in read) return { ok: false, expected, why: read.why };
  const wrong = read.classes.findIndex((found, row) => found !== expected[row]);
  if (wrong === -1) return { ok: true };
  const why = `row ${wrong} is of class ${expected[wrong]}, not ${read.classes[wrong]}`;
  return { ok: false, expected, got: read.classes, why };
}

type Read = { classes: number[] } | { why: string };

function readClasses(expect: TensorExpectation, answer: unknown): Read {
  const response = responseSchema.safeParse(answer);
  if (!response.success) return { why: notAnAnswer('v2 answer', answer) };
  const { outputs } = response.data;
  const output = outputs.find(({ name }, at) =>
    expect.output === undefined ? at === 0 : name === expect.output,
  );
  if (!output) {
    const names = outputs.map(({ name }) => name);
    return { why: `there is no output ${show(expect.output)}, only ${show(names)}` };
  }
  // One level per dimension: nesting deeper than the shape stays an array, and is then rejected as not a number.
  const values = output.data.flat(Math.min(output.shape.length, 8));
  const data: number[] = [];
  for (const value of values) {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return { why: `output ${show(output.name)} holds ${show(value)}, which is no finite number` };
    }
    data.push(value);
  }
  return expect.read === 'labels'
    ? labels(output.shape, data, expect.classes.length)
    : scores(output.shape, data, expect.classes);
}

function labels(shape: number[], data: number[], rows: number): Read {
  const [first, second = 1] = shape;
  if (first !== rows || second !== 1 || shape.length > 2 || data.length !== rows) {
    return { why: `${rows} labels should have the shape [${rows}] or [${rows},1]; ${describe(shape, data)}` };
  }
  return { classes: data };
}

function scores(shape: number[], data: number[], expected: number[]): Read {
  const rows = expected.length;
  const [first, columns = 0] = shape;
  const enough = columns > Math.max(1, ...expected);
  if (first !== rows || shape.length !== 2 || !enough || data.length !== rows * columns) {
    const wanted = `[${rows},classes] and a column for each class`;
    return { why: `scores of ${rows} rows should have the shape ${wanted}; ${describe(shape, data)}` };
  }
  const classes: number[] = [];
  for (let row = 0; row < rows; row++) {
    const line = data.slice(row * columns, (row + 1) * columns);
    const largest = line.reduce((one, other) => Math.max(one, other), -Infinity);
    const best = line.indexOf(largest);
    if (line.lastIndexOf(largest) !== best) {
      return { why: `the largest score of row ${row} appears more than once: ${show(line)}` };
    }
    classes.push(best);
  }
  return { classes };
}

function describe(shape: number[], data: number[]): string {
  return `the shape is ${show(shape)} with ${data.length} values`;
}
