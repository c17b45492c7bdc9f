import { expect } from 'vitest';
import type { Digest } from '../../scripts/image/types.ts';

export const hex = 'ab'.repeat(32);

export const digest: Digest = `sha256:${hex}`;

/** Asserts both outcomes: documents that are all accepted, or all refused, test nothing. */
export function expectBoth({ accepted, refused }: { accepted: number; refused: number }): void {
  expect(accepted).toBeGreaterThan(5);
  expect(refused).toBeGreaterThan(5);
}
