import { show } from './text.ts';

/** Whether an answer is correct; otherwise the reason, and the classes where they were compared. */
export type AnswerCheck =
  | { ok: true }
  | {
      ok: false;
      /** A clause for display, without control characters and at most a line or two. */
      why: string;
      /** The true classes, one per row. */
      expected?: number[];
      /** The classes read from the answer, one per row; absent when it has none. */
      got?: number[];
    };

/** Deepest nesting of values that is compared. */
const deepest = 32;

/**
 * The first difference between expected and received values, as a clause; undefined when they agree. A number may differ
 * by `tolerance`: by default 1e-4 of the expected number, at least 1e-6, for the rounding of float32 on another
 * processor. Lists have the same length, maps at least the expected keys.
 */
export function compareValues(
  expected: unknown,
  got: unknown,
  label: string,
  tolerance?: number,
  depth = 0,
): string | undefined {
  const differs = `${label} is ${show(got)}, not ${show(expected)}`;
  if (depth > deepest) return `${label} is nested too deeply`;
  if (typeof expected === 'number') {
    const most = tolerance ?? Math.max(1e-6, Math.abs(expected) * 1e-4);
    if (typeof got !== 'number' || !Number.isFinite(got)) return differs;
    return Math.abs(got - expected) <= most ? undefined : `${differs} (tolerance ${most})`;
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(got)) return differs;
    if (got.length !== expected.length) return `${label} has ${got.length} values, not ${expected.length}`;
    for (const [at, one] of expected.entries()) {
      const problem = compareValues(one, got[at], `value ${at} of ${label}`, tolerance, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof got !== 'object' || got === null || Array.isArray(got)) return differs;
    for (const [key, one] of Object.entries(expected)) {
      const value = Object.hasOwn(got, key) ? (got as Record<string, unknown>)[key] : undefined;
      const problem = compareValues(one, value, `${show(key)} of ${label}`, tolerance, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  return got === expected ? undefined : differs;
}
