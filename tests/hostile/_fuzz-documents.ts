import { expect } from 'vitest';
import type { Digest } from '../../scripts/image/types.ts';

export const hex = 'ab'.repeat(32);

export const digest: Digest = `sha256:${hex}`;

/** Both: a fuzzer whose documents are all taken, or all refused, tries nothing. */
export function expectBoth({ taken, refused }: { taken: number; refused: number }): void {
  expect(taken).toBeGreaterThan(5);
  expect(refused).toBeGreaterThan(5);
}
