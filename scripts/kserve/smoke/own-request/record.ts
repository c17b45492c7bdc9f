import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ModelExpectation, ModelInput, ModelSmoke, SmokeTest } from '../../../model/types.ts';
import { responseSchema } from '../answer/outputs.ts';
import { ownRequest } from './index.ts';

/** Most values of an answer that are written down; of a longer one only types and shapes are. */
const mostValues = 100;
/** Most values of a request that are written down. */
const mostRequestValues = 1000;
/** Longest text that becomes a pattern. */
const longestText = 400;

const predictionsSchema = z.object({ predictions: z.array(z.unknown()) });
const embeddingsSchema = z.object({ data: z.array(z.object({ embedding: z.array(z.number()) })).min(1) });
const textSchema = z.object({
  choices: z
    .array(
      z.union([z.object({ text: z.string() }), z.object({ message: z.object({ content: z.string() }) })]),
    )
    .min(1),
});

type Scalar = number | string | boolean;
type Output = z.infer<typeof responseSchema>['outputs'][number];

/**
 * What an answer (parsed JSON, hostile, already checked to be one) becomes as `expect:` of the request. The form of the
 * `expect` that is there stays: classes stay classes. `less`: what is not written down, and why, for display.
 * No expectation when nothing but the shape of any answer would be left.
 */
export function expectationOf(
  smoke: ModelSmoke,
  answer: unknown,
): { expect?: ModelExpectation; less?: string } {
  const old = smoke.expect === 'any' ? {} : (smoke.expect ?? {});
  const tolerance = old.tolerance === undefined ? {} : { tolerance: old.tolerance };
  if (smoke.prompt !== undefined || smoke.messages !== undefined) return text(answer);
  if (smoke.input !== undefined) {
    const [first] = embeddingsSchema.safeParse(answer).data?.data ?? [];
    return first === undefined ? {} : { expect: { size: first.embedding.length } };
  }
  if (smoke.instances !== undefined) {
    const { predictions } = predictionsSchema.safeParse(answer).data ?? {};
    if (predictions === undefined) return {};
    return countOf(predictions) > mostValues
      ? { less: `the predictions have more than ${mostValues} values` }
      : { expect: { predictions, ...tolerance } };
  }
  const { outputs = [] } = responseSchema.safeParse(answer).data ?? {};
  if (outputs.length > mostValues) return { less: `the answer has ${outputs.length} outputs` };
  const named = outputs.find(({ name }, at) => (old.output === undefined ? at === 0 : name === old.output));
  const field = old.classes !== undefined ? 'classes' : old.scores !== undefined ? 'scores' : undefined;
  const classes = named && field && classesOf(named, field);
  if (field !== undefined && classes !== undefined)
    return { expect: { [field]: classes, ...(old.output !== undefined && { output: old.output }) } };
  const written = outputs.map((output) => {
    const same = old.outputs?.find(({ name }) => name === output.name);
    return { ...expectedOf(output), ...(same?.tolerance !== undefined && { tolerance: same.tolerance }) };
  });
  const long = written.filter(({ data }) => data === undefined).map(({ name }) => name);
  return {
    expect: { outputs: written, ...tolerance },
    ...(long.length > 0 && { less: `of ${long.join(', ')} only type and shape, as it is long` }),
  };
}

function expectedOf({
  name,
  datatype,
  shape,
  data,
}: Output): NonNullable<ModelExpectation['outputs']>[number] {
  const flat = data.flat(Math.min(shape.length, 8));
  const whole = countOf(flat) <= mostValues && flat.every(isScalar);
  return { name, ...(datatype !== undefined && { datatype }), shape, ...(whole && { data: flat }) };
}

/** The class of each row, if the output has one. */
function classesOf({ shape, data }: Output, as: 'classes' | 'scores'): number[] | undefined {
  const [rows = 0, columns = 1] = shape;
  const flat = data.flat(Math.min(shape.length, 8));
  if (!flat.every((value) => typeof value === 'number') || flat.length > mostValues * columns)
    return undefined;
  const isClass = (value: number) => Number.isInteger(value) && value >= 0;
  if (as === 'classes') return flat.length === rows && flat.every(isClass) ? flat : undefined;
  if (shape.length !== 2 || flat.length !== rows * columns || columns < 2) return undefined;
  return Array.from({ length: rows }, (_, row) => {
    const line = flat.slice(row * columns, (row + 1) * columns);
    return line.indexOf(line.reduce((one, other) => Math.max(one, other), -Infinity));
  });
}

function text(answer: unknown): { expect?: ModelExpectation; less?: string } {
  const [choice] = textSchema.safeParse(answer).data?.choices ?? [];
  if (choice === undefined) return {};
  const found = 'text' in choice ? choice.text : choice.message.content;
  const signs = Array.from(found);
  const escaped = (part: string) => part.replaceAll(/[$()*+./?[\\\]^{|}]/g, '\\$&');
  if (signs.length <= longestText) return { expect: { matches: `^${escaped(found)}$` } };
  const start = signs.slice(0, longestText).join('');
  return { expect: { matches: `^${escaped(start)}` }, less: `only the first ${longestText} characters` };
}

/**
 * `smoke:` that sends the request of a test, for one made from a model's files; undefined when it has no form there or is
 * too long to be written into models.yaml. `served`: as for `ownRequest`.
 */
export async function smokeOf(test: SmokeTest, served?: string): Promise<ModelSmoke | undefined> {
  if (countOf(test.body) > mostRequestValues) return undefined;
  for (const smoke of formsOf(test.body)) {
    const { path, body } = await ownRequest(smoke, '', '.', served);
    if (isDeepStrictEqual([path, body], [test.path, test.body])) return smoke;
  }
  return undefined;
}

/** Ways to write a request, the shortest first. */
function formsOf(body: unknown): ModelSmoke[] {
  const { inputs, instances, prompt, messages, input, parameters } = body as Partial<
    Record<string, unknown>
  > as Omit<ModelSmoke, 'instances'> & { instances?: unknown[] };
  if (prompt !== undefined) return [{ prompt }];
  if (messages !== undefined) return [{ messages }];
  if (input !== undefined) return [{ input }];
  if (instances !== undefined) return [{ instances }];
  if (!Array.isArray(inputs)) return [];
  const columns = Object.fromEntries(inputs.map(({ name, data }) => [name, data as Scalar[]]));
  const given: ModelInput[] = inputs;
  return [{ columns }, { inputs: given, ...(parameters !== undefined && { parameters }) }];
}

/** The number of values and, in hundreds, of characters; infinite for deeper nesting than a person reads. */
function countOf(value: unknown, depth = 0): number {
  if (depth > 16) return Infinity;
  if (typeof value === 'string') return 1 + Math.floor(value.length / 100);
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce((sum: number, one) => sum + countOf(one, depth + 1), 0);
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
}
