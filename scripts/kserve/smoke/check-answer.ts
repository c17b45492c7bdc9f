import { z } from 'zod';
import type { CompletionExpectation, SmokeExpectation, TensorExpectation } from '../../model/types.ts';

/** Whether an answer is correct; otherwise the reason, and the answer's content. */
export type AnswerCheck =
  | { ok: true }
  | {
      ok: false;
      /** The true classes; undefined for a completion, which has none. */
      expected: number[] | undefined;
      /** The classes read from the answer, one per row; undefined when it has none. */
      got: number[] | undefined;
      /** A clause for display, without control characters and at most a line or two. */
      why: string;
    };

/** Open Inference Protocol (v2), "Inference Response JSON Object": data is flat, or nested like the shape. */
const responseSchema = z.object({
  outputs: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.number().int().nonnegative()),
      data: z.array(z.unknown()),
    }),
  ),
});

/** OpenAI's "create completion" response, as vLLM and KServe's huggingfaceserver return it. */
const completionSchema = z.object({
  choices: z.array(z.object({ text: z.string(), finish_reason: z.string().nullish() })),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() }),
});

/**
 * Errors: MLServer's `{"error": …}`, FastAPI's `{"detail": …}`, vLLM's `{"error": {"message": …}}` or its inner object.
 */
const errorSchema = z.union([
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ object: z.literal('error'), message: z.string() }).transform(({ message }) => message),
  z.object({ detail: z.unknown() }).transform(({ detail }) => detail),
]);

/**
 * Compares an answer (parsed JSON, hostile) with the expectation. Never throws.
 *
 * A tensor: numbers have to be finite, and the shape has to match the data and the number of rows: `[n]` or `[n, 1]`
 * for labels, `[n, classes]` for scores, where each row's largest score has to be unique.
 *
 * A completion: one choice with a letter or digit in its text (weights of a wrong precision give `!!!!`, the first
 * token repeated), ended by itself or by the limit, and token counts that add up and stay within the limit.
 */
export function checkAnswer(expect: SmokeExpectation, answer: unknown): AnswerCheck {
  if (expect.read === 'completion') {
    const why = completionProblem(expect, answer);
    return why === undefined ? { ok: true } : { ok: false, expected: undefined, got: undefined, why };
  }
  const expected = [...expect.classes];
  const read = readClasses(expect, answer);
  if ('why' in read) return { ok: false, expected, got: undefined, why: read.why };
  const wrong = read.classes.findIndex((found, row) => found !== expected[row]);
  if (wrong === -1) return { ok: true };
  const why = `row ${wrong} is of class ${expected[wrong]}, not ${read.classes[wrong]}`;
  return { ok: false, expected, got: read.classes, why };
}

function completionProblem({ maxTokens }: CompletionExpectation, answer: unknown): string | undefined {
  const response = completionSchema.safeParse(answer);
  if (!response.success) return notAnAnswer('completion', answer);
  const { choices, usage } = response.data;
  const [choice] = choices;
  if (choice === undefined || choices.length > 1) return `there are ${choices.length} choices, not one`;
  const { text, finish_reason: reason } = choice;
  if (!/[\p{L}\p{N}]/u.test(text)) return `the text has no letter and no digit: ${show(text)}`;
  if (reason !== 'stop' && reason !== 'length')
    return `it ended with ${show(reason)}, not "stop" or "length"`;
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = usage;
  const counts = [prompt, completion, total].every((count) => Number.isInteger(count) && count > 0);
  if (!counts || total !== prompt + completion) return `the tokens do not add up: ${show(usage)}`;
  return completion > maxTokens ? `there are ${completion} tokens, more than ${maxTokens}` : undefined;
}

type Read = { classes: number[] } | { why: string };

function readClasses(expect: TensorExpectation, answer: unknown): Read {
  const response = responseSchema.safeParse(answer);
  if (!response.success) return { why: notAnAnswer('v2 answer', answer) };
  const { outputs } = response.data;
  const output = outputs.find(({ name }) => name === expect.output);
  if (!output) {
    const names = outputs.map(({ name }) => name);
    return { why: `there is no output ${show(expect.output)}, only ${show(names)}` };
  }
  // One level per dimension: nesting deeper than the shape stays an array, and is then rejected as not a number.
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
      return { why: `the largest score of row ${row} appears more than once: ${show(line)}` };
    }
    classes.push(best);
  }
  return { classes };
}

function describe(shape: number[], data: number[]): string {
  return `the shape is ${show(shape)} with ${data.length} values`;
}

function notAnAnswer(wanted: string, answer: unknown): string {
  const error = errorSchema.safeParse(answer);
  return error.success ? `the server says ${show(error.data)}` : `no ${wanted} but ${show(answer)}`;
}

/** As JSON, cut to 200 characters; also escapes control characters that JSON keeps. */
function show(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const text = JSON.stringify(value) ?? String(value);
  const short = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return short.replace(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (sign) => {
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
