import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { ModelcarsError } from '../../scripts/errors.ts';

/** The bytes of a stream; chunks are copied, since sources reuse their buffers. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

/** The ModelcarsError that a promise rejects with; anything else fails the test. */
export async function failure(promise: Promise<unknown>): Promise<ModelcarsError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ModelcarsError);
  return error as ModelcarsError;
}

/** 64 hexadecimal digits. */
export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
