import { z } from 'zod';
import type { SmokeExpectation, SmokeTest, TensorExpectation } from '../../model/types.ts';
import type { SmokeRequest } from './request.ts';

const bodySchema = z.object({
  inputs: z.array(z.object({ shape: z.tuple([z.int(), z.int()]), data: z.array(z.number()) })).length(1),
});
const answerSchema = z.object({ predictions: z.array(z.unknown()).min(1) });

/**
 * The smoke request in KServe's older protocol ("Data Plane (V1)": `{"instances": [[…], …]}` to `:predict`), for
 * runtimes without v2; undefined when the request is not one tensor of rows.
 */
export function v1Request(smoke: SmokeTest, name: string): SmokeRequest | undefined {
  const body = bodySchema.safeParse(smoke.body);
  const [input] = body.data?.inputs ?? [];
  if (input === undefined || !isClasses(smoke.expect)) return undefined;
  const [rows, columns] = input.shape;
  const instances = Array.from({ length: rows }, (_, row) =>
    input.data.slice(row * columns, (row + 1) * columns),
  );
  return { path: `/v1/models/${encodeURIComponent(name)}:predict`, body: { instances } };
}

/** Converts a v1 response to v2, so that one function checks both. Anything else is returned unchanged. */
export function fromV1(answer: unknown, smoke: SmokeTest): unknown {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success || !isClasses(smoke.expect)) return answer;
  const { predictions } = parsed.data;
  const [first] = predictions;
  const shape = Array.isArray(first) ? [predictions.length, first.length] : [predictions.length];
  return { outputs: [{ name: smoke.expect.output ?? 'predict', shape, data: predictions }] };
}

/** Whether true classes are expected, which either protocol can answer with. */
export function isClasses(expect: SmokeExpectation): expect is TensorExpectation {
  return expect.read === 'labels' || expect.read === 'scores';
}
