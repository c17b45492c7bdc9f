import { z } from 'zod';
import type { ExpectedOutput, OutputsExpectation } from '../../../model/types.ts';
import { type AnswerCheck, compareValues } from './compare-values.ts';
import { notAnAnswer, show } from './text.ts';

/** Open Inference Protocol (v2), "Inference Response JSON Object": data is flat, or nested like the shape. */
export const responseSchema = z.object({
  outputs: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.number().int().nonnegative()),
      datatype: z.string().optional(),
      data: z.array(z.unknown()),
    }),
  ),
});

type Output = z.infer<typeof responseSchema>['outputs'][number];

/**
 * Compares a v2 response with the expected outputs. Every output that is checked has as many values as its shape says,
 * and its numbers are finite. Without expected outputs, there has to be at least one output, each with a row per row of
 * the request.
 */
export function checkOutputs(expect: OutputsExpectation, answer: unknown): AnswerCheck {
  const response = responseSchema.safeParse(answer);
  if (!response.success) return { ok: false, why: notAnAnswer('v2 answer', answer) };
  const { outputs } = response.data;
  if (outputs.length === 0) return { ok: false, why: 'the answer has no output' };
  const wanted: ExpectedOutput[] =
    expect.outputs.length > 0 ? expect.outputs : outputs.map(({ name }) => ({ name }));
  for (const one of wanted) {
    const why = problemWith(one, expect.rows, outputs);
    if (why !== undefined) return { ok: false, why };
  }
  return { ok: true };
}

function problemWith(
  wanted: ExpectedOutput,
  rows: number | undefined,
  outputs: readonly Output[],
): string | undefined {
  const output = wanted.name === undefined ? outputs[0] : outputs.find(({ name }) => name === wanted.name);
  if (output === undefined)
    return `there is no output ${show(wanted.name)}, only ${show(outputs.map(({ name }) => name))}`;
  const { name, shape, datatype } = output;
  const label = `output ${show(name)}`;
  if (wanted.datatype !== undefined && datatype !== wanted.datatype)
    return `${label} is of type ${show(datatype ?? 'none')}, not ${show(wanted.datatype)}`;
  const fits = wanted.shape?.every((length, at) => length === null || length === shape[at]) ?? true;
  if (!fits || (wanted.shape !== undefined && wanted.shape.length !== shape.length))
    return `${label} has the shape ${show(shape)}, not ${showShape(wanted.shape ?? [])}`;
  if (wanted.shape === undefined && rows !== undefined && shape[0] !== rows)
    return `${label} has the shape ${show(shape)}, which is not one row for each of ${rows}`;
  const values = output.data.flat(Math.min(shape.length, 8));
  const count = shape.reduce((product, length) => product * length, 1);
  if (values.length !== count) return `${label} has ${values.length} values, and its shape ${show(shape)}`;
  const odd = values.find((value) => typeof value === 'number' && !Number.isFinite(value));
  if (odd !== undefined || values.includes(null)) return `${label} has a value that is no finite number`;
  return wanted.data && compareValues(wanted.data, values, label, wanted.tolerance);
}

function showShape(shape: readonly (number | null)[]): string {
  return `[${shape.map((length) => length ?? 'any').join(',')}]`;
}
