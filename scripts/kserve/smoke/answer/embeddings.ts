import { z } from 'zod';
import type { EmbeddingsExpectation } from '../../../model/types.ts';
import type { AnswerCheck } from './compare-values.ts';
import { notAnAnswer } from './text.ts';

/** OpenAI's "create embeddings" response with `encoding_format: float`. */
const responseSchema = z.object({
  data: z.array(z.object({ index: z.number().optional(), embedding: z.array(z.number()) })),
});

/**
 * Checks that each input has an embedding: of the same length, of finite numbers that are not all zero, and not the same
 * for every input.
 */
export function checkEmbeddings({ count, size }: EmbeddingsExpectation, answer: unknown): AnswerCheck {
  const response = responseSchema.safeParse(answer);
  if (!response.success) return { ok: false, why: notAnAnswer('list of embeddings', answer) };
  const vectors = response.data.data.map(({ embedding }) => embedding);
  if (vectors.length !== count) return wrong(`there are ${vectors.length} embeddings for ${count} inputs`);
  const length = size ?? vectors[0]?.length ?? 0;
  for (const [at, vector] of vectors.entries()) {
    if (vector.length !== length || length === 0)
      return wrong(`embedding ${at} has ${vector.length} numbers${length === 0 ? '' : `, not ${length}`}`);
    if (!vector.every(Number.isFinite)) return wrong(`embedding ${at} has a value that is no finite number`);
    if (vector.every((value) => value === 0)) return wrong(`embedding ${at} is all zeros`);
  }
  const [first] = vectors;
  const same = vectors.every((vector) => vector.every((value, at) => value === first?.[at]));
  return count > 1 && same ? wrong('the embeddings of all inputs are the same') : { ok: true };
}

function wrong(why: string): AnswerCheck {
  return { ok: false, why };
}
