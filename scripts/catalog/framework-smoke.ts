import { z } from 'zod';
import { list } from '../text/format.ts';
import { didYouMean } from '../text/suggest.ts';
import { complain, strict } from './fields.ts';

/** A text that is not empty. */
export const word = (expected: string) =>
  z
    .string({ error: ({ input }) => complain(expected, input) })
    .min(1, { error: `expected ${expected}, got an empty text` });
/** A list of such texts. */
export const words = (expected: string) =>
  z.array(word(expected), { error: ({ input }) => complain(`a list: ${expected}`, input) });
/** One of a few words. */
export const oneOf = <T extends string>(...choices: T[]) =>
  z.enum(choices, {
    error: ({ input }) => complain(`one of ${choices.join(', ')}`, input, didYouMean(input, choices)),
  });

const classSchema = strict('the expected prediction', {
  output: word('the name of an output').exactOptional(),
  classes: z
    .array(z.number(), { error: 'expected a list of class numbers' })
    .min(1, { error: 'expected at least one class' }),
  read: oneOf('labels', 'scores'),
});
const tokens = z
  .int({ error: 'expected a number of tokens' })
  .min(1, { error: 'expected at least one token' });
const count = z.int({ error: 'expected a number' }).min(1, { error: 'expected at least one' });
const tolerance = z.number({ error: 'expected a number' }).nonnegative();
const values = z.array(z.union([z.number(), z.string(), z.boolean()]), {
  error: 'expected a list of values',
});

const expectations = [
  classSchema,
  strict('the expected prediction', { read: oneOf('completion'), maxTokens: tokens }),
  strict('the expected prediction', {
    read: oneOf('text'),
    pattern: word('a regular expression').exactOptional(),
    maxTokens: tokens.exactOptional(),
  }),
  strict('the expected prediction', { read: oneOf('embeddings'), count, size: count.exactOptional() }),
  strict('the expected prediction', {
    read: oneOf('predictions'),
    rows: count.exactOptional(),
    predictions: z.array(z.unknown(), { error: 'expected a list of predictions' }).exactOptional(),
    tolerance: tolerance.exactOptional(),
  }),
  strict('the expected prediction', {
    read: oneOf('outputs'),
    rows: count.exactOptional(),
    outputs: z.array(
      strict('an output', {
        name: word('the name of an output').exactOptional(),
        datatype: word('a data type').exactOptional(),
        shape: z
          .array(z.union([z.int(), z.null()]), { error: 'expected a list of lengths, null for any' })
          .exactOptional(),
        data: values.exactOptional(),
        tolerance: tolerance.exactOptional(),
      }),
      { error: 'expected a list of outputs' },
    ),
  }),
] as const;
const reads = ['labels', 'scores', 'completion', 'text', 'embeddings', 'predictions', 'outputs'];

/** `smoke` of a framework. */
export const smokeTestSchema = strict('a smoke test', {
  path: z.union([word('a path'), words('paths').min(1, { error: 'expected at least one path' })], {
    error: ({ input }) => complain('a path such as `/v2/models/{name}/infer`, or several', input),
  }),
  body: z.unknown(),
  expect: z.discriminatedUnion('read', expectations, {
    error: ({ input }) => {
      const read = isRecord(input) ? input.read : undefined;
      return complain(`one of ${list(reads, 'or')} for \`read\``, read ?? input);
    },
  }),
  from: word('what the request was made from').exactOptional(),
  sample: z
    .record(z.string(), z.string().regex(/^[0-9a-f]{64}$/, { error: 'expected 64 hexadecimal digits' }), {
      error: ({ input }) => complain('a map of paths to their SHA-256', input),
    })
    .exactOptional(),
});

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
