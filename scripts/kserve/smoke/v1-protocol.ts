import { z } from 'zod';
import type { SmokeTest } from '../../model/types.ts';
import type { SmokeRequest } from './request.ts';

const bodySchema = z.object({
  inputs: z.array(z.object({ shape: z.tuple([z.int(), z.int()]), data: z.array(z.number()) })).length(1),
});
const answerSchema = z.object({ predictions: z.array(z.unknown()).min(1) });

/**
 * The smoke request in KServe's older protocol ("Data Plane (V1)": `{"instances": [[…], …]}` to `:predict`), for runtimes that know no
 * v2; undefined where it is not one tensor of rows.
 */
export function v1Request(smoke: SmokeTest, name: string): SmokeRequest | undefined {
  const body = bodySchema.safeParse(smoke.body);
  const [input] = body.data?.inputs ?? [];
  if (input === undefined || smoke.expect.read === 'completion') return undefined;
  const [rows, columns] = input.shape;
  const instances = Array.from({ length: rows }, (_, row) =>
    input.data.slice(row * columns, (row + 1) * columns),
  );
  return { path: `/v1/models/${encodeURIComponent(name)}:predict`, body: { instances } };
}

/** A v1 answer in the form of a v2 one, so that one judge judges both; what is no v1 answer stays as it is. */
export function fromV1(answer: unknown, smoke: SmokeTest): unknown {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success || smoke.expect.read === 'completion') return answer;
  const { predictions } = parsed.data;
  const [first] = predictions;
  const shape = Array.isArray(first) ? [predictions.length, first.length] : [predictions.length];
  return { outputs: [{ name: smoke.expect.output, shape, data: predictions }] };
}
