import { z } from 'zod';
import type { ModelSmoke } from '../model/types.ts';
import { list, plain } from '../text/format.ts';
import { checkPath } from '../text/paths.ts';
import { checked, complain, listOf, oneLine, recordOf, strict, text } from './fields.ts';

/** Data types of the Open Inference Protocol ("Tensor Data Types"). */
const datatypes = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP16',
  'FP32',
  'FP64',
  'BYTES',
] as const;
/** The fields that hold a request; a smoke test has one of them. */
export const requestFields = [
  'inputs',
  'rows',
  'columns',
  'instances',
  'prompt',
  'messages',
  'input',
] as const;
/** Which fields of `expect:` fit which request. */
const answers: Record<(typeof requestFields)[number], readonly string[]> = {
  inputs: ['classes', 'scores', 'output', 'outputs', 'tolerance'],
  rows: ['classes', 'scores', 'output', 'outputs', 'tolerance'],
  columns: ['classes', 'scores', 'output', 'outputs', 'tolerance'],
  instances: ['predictions', 'tolerance'],
  prompt: ['matches'],
  messages: ['matches'],
  input: ['size'],
};

const number = z.number({ error: ({ input }) => complain('a number', input) });
const whole = (expected: string, least: number) => {
  const error = ({ input }: { input?: unknown }) => complain(expected, input);
  return z.int({ error }).min(least, { error });
};
const datatype = z.enum(datatypes, {
  error: ({ input }) => complain(`one of ${list(datatypes, 'or')}`, input),
});
const name = oneLine('the name of an input or output', 255);
const parameters = z.record(z.string(), z.unknown(), {
  error: ({ input }) => complain('a map, as in `{max_tokens: 16}`', input),
});
const content = (what: string) => text(what, { most: 100_000 });

/** A file beside models.yaml. */
const dataFile = (extensions: readonly string[]) =>
  checked(`a file such as \`request${extensions[0]}\``, (value) => {
    const path = value.replace(/^\.\//, '');
    const expected = `a path relative to models.yaml that ends in ${list(extensions, 'or')}`;
    const problem = checkPath(path);
    if (problem !== undefined) return { expected, hint: `, which ${problem}` };
    return extensions.some((one) => path.endsWith(one)) ? undefined : { expected };
  });

const input = strict('an input, as in `{name: x, data: [[1, 2]]}`', {
  name,
  datatype: datatype
    .describe('FP64 for numbers, BYTES for texts, BOOL for booleans by default.')
    .exactOptional(),
  shape: listOf(whole('a length of at least 1', 1), 'lengths, as in `[2, 4]`')
    .describe('That of nested data by default.')
    .exactOptional(),
  data: listOf(z.unknown(), 'values, nested or flat').min(1, { error: 'expected at least one value' }),
  parameters: parameters.describe('Such as `{content_type: str}`.').exactOptional(),
});

const output = strict('an output, as in `{name: predict, data: [1, 0]}`', {
  name: name.exactOptional(),
  datatype: datatype.exactOptional(),
  shape: listOf(
    z.union([whole('a length', 0), z.null()], {
      error: ({ input }) => complain('a length, or `null` for any', input),
    }),
    'lengths, as in `[2, null]`',
  ).exactOptional(),
  data: listOf(
    z.union([z.number(), z.string(), z.boolean()], {
      error: ({ input }) => complain('a number, a text or a boolean', input),
    }),
    'values in row-major order',
  ).exactOptional(),
  tolerance: number.nonnegative().exactOptional(),
});

const classes = listOf(whole('the number of a class', 0), 'classes, as in `[0, 2, 1]`')
  .min(1, { error: 'expected at least one class' })
  .exactOptional();

const pattern = checked('a regular expression', (value) => {
  try {
    new RegExp(value, 'u');
    return value.length <= 1000 ? undefined : { expected: 'a regular expression of at most 1000 characters' };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /, '') : '';
    return { expected: 'a regular expression', hint: ` (${plain(reason)})` };
  }
});

const expectation = z.union(
  [
    z.literal('any'),
    strict('`any` or a map', {
      classes: classes.describe('Protocol v2: the class of each row, where the output is the class.'),
      scores: classes.describe(
        'Protocol v2: the class of each row, where the output has a score for each class.',
      ),
      output: name.describe('The output with `classes` or `scores`; the first by default.').exactOptional(),
      outputs: listOf(output, 'outputs, as in `[{name: predict, data: [1, 0]}]`')
        .describe('Protocol v2: names, types, shapes and values of outputs, as far as given.')
        .exactOptional(),
      predictions: listOf(z.unknown(), 'predictions')
        .describe('Protocol v1: the predictions.')
        .exactOptional(),
      matches: pattern.describe('A regular expression that generated text has to match.').exactOptional(),
      size: whole('the length of an embedding', 1).describe('Length of each embedding.').exactOptional(),
      tolerance: number
        .nonnegative()
        .describe('Largest difference of a number; by default 0.0001 of it.')
        .exactOptional(),
    }),
  ],
  { error: ({ input }) => complain('`any` or a map, as in `{classes: [0, 1]}`', input) },
);

const request = strict('`false` or a request, as in `{rows: [[1, 2]]}`', {
  inputs: z
    .union([dataFile(['.json', '.csv', '.npy']), listOf(input, 'inputs').min(1)], {
      error: ({ input: given }) => complain('a list of inputs, or a .json, .csv or .npy file', given),
    })
    .describe('Protocol v2: the inputs, or a JSON, CSV or .npy file with them beside models.yaml.')
    .exactOptional(),
  rows: listOf(listOf(number, 'numbers').min(1), 'rows of numbers, as in `[[1, 2], [3, 4]]`')
    .min(1)
    .describe('Protocol v2, short: rows of numbers.')
    .exactOptional(),
  columns: recordOf(
    name,
    listOf(z.union([z.number(), z.string(), z.boolean()]), 'values').min(1),
    'columns, as in `{age: [39], city: [Bonn]}`',
  )
    .describe('Protocol v2, short: named columns, as a pandas DataFrame has them.')
    .exactOptional(),
  instances: z
    .union([dataFile(['.json']), listOf(z.unknown(), 'instances').min(1)], {
      error: ({ input: given }) => complain('a list of instances, or a .json file', given),
    })
    .describe('Protocol v1: the instances, or a JSON file with them.')
    .exactOptional(),
  prompt: content('a prompt').describe('OpenAI completion: the prompt.').exactOptional(),
  messages: listOf(
    strict('a message, as in `{role: user, content: Hello}`', {
      role: z.enum(['system', 'user', 'assistant'], {
        error: ({ input: given }) => complain('`system`, `user` or `assistant`', given),
      }),
      content: content('the content'),
    }),
    'messages, as in `[{role: user, content: Hello}]`',
  )
    .min(1)
    .describe('OpenAI chat completion: the messages.')
    .exactOptional(),
  input: z
    .union([content('a text'), listOf(content('a text'), 'texts').min(1)], {
      error: ({ input: given }) => complain('a text or a list of texts', given),
    })
    .describe('OpenAI embeddings: a text or several.')
    .exactOptional(),
  parameters: parameters
    .describe('More of the request: `parameters` of protocol v2, otherwise fields such as `max_tokens`.')
    .exactOptional(),
  path: checked(
    'a path such as `/v2/models/{name}/infer`',
    (value) =>
      /^\/[\w./:{}-]{1,200}$/.test(value)
        ? undefined
        : { expected: 'a path such as `/v2/models/{name}/infer`' },
    { examples: ['/v2/models/{name}/infer'] },
  )
    .describe("Path instead of the protocol's.")
    .exactOptional(),
  expect: expectation
    .describe('What the answer has to be; by default one with a row for each row of the request.')
    .exactOptional(),
}).superRefine((given, context) => {
  const fields = requestFields.filter((field) => given[field] !== undefined);
  const [field] = fields;
  if (field === undefined || fields.length > 1) {
    const found = field === undefined ? '' : `, got ${list(fields, 'and')}`;
    context.addIssue({ code: 'custom', message: `expected one of ${list(requestFields, 'or')}${found}` });
    return;
  }
  const expected = given.expect;
  if (expected === undefined || expected === 'any') return;
  for (const key of Object.keys(expected).filter((one) => !answers[field].includes(one)))
    context.addIssue({
      code: 'custom',
      path: ['expect', key],
      message: `does not fit \`${field}\`; expected ${list(answers[field], 'or')}`,
      params: { key: true },
    });
  const main = ['classes', 'scores', 'outputs'].filter((key) => key in expected);
  if (main.length > 1)
    context.addIssue({
      code: 'custom',
      path: ['expect'],
      message: `expected one of ${list(main, 'and')}, got both`,
    });
});

/** `smoke:` of a model or of the defaults. */
export const smokeSchema: z.ZodType<ModelSmoke | false> = z.union([z.literal(false), request], {
  error: ({ input: given }) => complain('`false` or a request, as in `{rows: [[1, 2]]}`', given),
}) as z.ZodType<ModelSmoke | false>;

/** The keys of `smoke:` and of its `expect:`, for suggestions. */
export const smokeKeys = Object.keys(request.shape);
export const expectKeys = Object.keys((expectation.options[1] as { shape: object }).shape);
