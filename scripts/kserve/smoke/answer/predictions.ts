import { z } from 'zod';
import type { PredictionsExpectation } from '../../../model/types.ts';
import { type AnswerCheck, compareValues } from './compare-values.ts';
import { notAnAnswer, show } from './text.ts';

/** KServe's "Data Plane (V1)": one prediction per instance, of any form. */
const responseSchema = z.object({ predictions: z.array(z.unknown()).min(1) });

/** Compares a v1 response with the expected predictions, or only their number. */
export function checkPredictions(
  { rows, predictions, tolerance }: PredictionsExpectation,
  answer: unknown,
): AnswerCheck {
  const response = responseSchema.safeParse(answer);
  if (!response.success) return { ok: false, why: notAnAnswer('v1 answer', answer) };
  const got = response.data.predictions;
  if (rows !== undefined && got.length !== rows)
    return { ok: false, why: `there are ${got.length} predictions for ${rows} instances` };
  const empty = got.findIndex((one) => one === null || one === undefined);
  if (empty !== -1) return { ok: false, why: `prediction ${empty} is ${show(got[empty])}` };
  const why = predictions && compareValues(predictions, got, 'the list of predictions', tolerance);
  return why === undefined ? { ok: true } : { ok: false, why };
}
