import { z } from 'zod';
import type { SmokeExpectation } from '../catalog/types.ts';

/** Whether a model gave the right answer; if not, what it gave. */
export type AnswerCheck =
  | { ok: true }
  | {
      ok: false;
      /** The true classes. */
      expected: number[];
      /** The classes as read from the answer, one a row; undefined when it holds none. */
      got: number[] | undefined;
      /** A clause for people, without control characters and at most a line or two. */
      why: string;
    };

/** Open Inference Protocol (v2), "Inference Response JSON Object": data is flat or nested as the shape is. */
const responseSchema = z.object({
  outputs: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.number().int().nonnegative()),
      data: z.array(z.unknown()),
    }),
  ),
});

/** MLServer says `{"error": …}`, FastAPI before it `{"detail": …}`. */
const errorSchema = z.union([
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ detail: z.unknown() }).transform(({ detail }) => detail),
]);

/**
 * Compares a v2 answer (parsed JSON, hostile) with the true classes. Never throws. Numbers have to be finite, the
 * tensor's shape has to fit its data and the number of rows: `[n]` or `[n, 1]` for labels, `[n, classes]` for scores,
 * where a row's largest score has to be larger than all its others.
 */
export function checkAnswer(expect: SmokeExpectation, answer: unknown): AnswerCheck {
  const expected = [...expect.classes];
  const read = readClasses(expect, answer);
  if ('why' in read) return { ok: false, expected, got: undefined, why: read.why };
  const wrong = read.classes.findIndex((found, row) => found !== expected[row]);
  if (wrong === -1) return { ok: true };
  const why = `row ${wrong} is of class ${expected[wrong]}, not ${read.classes[wrong]}`;
  return { ok: false, expected, got: read.classes, why };
}

type Read = { classes: number[] } | { why: string };

function readClasses(expect: SmokeExpectation, answer: unknown): Read {
  const response = responseSchema.safeParse(answer);
  if (!response.success) return { why: notAnAnswer(answer) };
  const { outputs } = response.data;
  const output = outputs.find(({ name }) => name === expect.output);
  if (!output) {
    const names = outputs.map(({ name }) => name);
    return { why: `there is no output ${show(expect.output)}, only ${show(names)}` };
  }
  // One level a dimension: hostile nesting deeper than the shape says stays an array, and so is no number.
  const values = output.data.flat(Math.min(output.shape.length, 8));
  const data: number[] = [];
  for (const value of values) {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return { why: `output ${show(expect.output)} holds ${show(value)}, which is no finite number` };
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
      return { why: `the largest score of row ${row} is there more than once: ${show(line)}` };
    }
    classes.push(best);
  }
  return { classes };
}

function describe(shape: number[], data: number[]): string {
  return `the shape is ${show(shape)} with ${data.length} values`;
}

function notAnAnswer(answer: unknown): string {
  const error = errorSchema.safeParse(answer);
  return error.success ? `the server says ${show(error.data)}` : `no v2 answer but ${show(answer)}`;
}

/** As JSON, cut to 200 characters; control characters that JSON leaves alone are escaped too. */
function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replace(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
