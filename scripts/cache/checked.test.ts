import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { checked } from './checked.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
/** The bytes passed through, and the outcome. */
async function through(bytes: Uint8Array, promised: Uint8Array, size: number) {
  const file = { path: 'a.bin', size: promised.length, sha256: sha256(promised) };
  const passed: Uint8Array[] = [];
  try {
    for await (const chunk of checked(pieces(bytes, size), file, 'hf://org/model')) passed.push(chunk);
    return { passed: Buffer.concat(passed), error: undefined };
  } catch (error) {
    return { passed: Buffer.concat(passed), error };
  }
}

it('passes on correct bytes, and never the whole of a wrong file', async () => {
  const some = fc.uint8Array({ maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(some, some, fc.integer({ min: 1, max: 70 }), async (promised, other, size) => {
      const right = await through(promised, promised, size);
      expect(right.error).toBeUndefined();
      expect(right.passed.equals(promised)).toBe(true);
      if (Buffer.from(other).equals(promised)) return;
      const wrong = await through(other, promised, size);
      expect(wrong.error).toMatchObject({ code: 'integrity' });
      if (other.length > 0 && other.length >= promised.length)
        expect(wrong.passed.length).toBeLessThan(promised.length || 1);
    }),
  );
});

it('reports the file, the model and the mismatch', async () => {
  const { error } = await through(Buffer.from('abd'), Buffer.from('abc'), 2);
  expect(String(error)).toMatch(
    /read a\.bin of hf:\/\/org\/model: it has sha256 [0-9a-f]{64}, and [0-9a-f]{64} was promised/,
  );
  expect(String((await through(Buffer.from('ab'), Buffer.from('abc'), 2)).error)).toMatch(
    /ended after 2 of 3 bytes/,
  );
});
