/**
 * Runs a parser of untrusted input over generated documents. For each document the parser must return a result or throw a
 * ModelcarsError with a clean message, within bounds of CPU time and memory that do not depend on the document.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect } from 'vitest';
import { ModelcarsError } from '../../scripts/errors.ts';

/** Fixed, so that every run tries the same documents; $MODELCARS_FUZZ_SEED overrides it. fast-check prints it on failure. */
const seed = Number(process.env.MODELCARS_FUZZ_SEED ?? 20_251_128) | 0;
/** Multiplies the number of documents. */
const factor = Number(process.env.MODELCARS_FUZZ_RUNS ?? 1);
/** CPU seconds per document: unlike wall time, a busy machine does not raise it. The test's timeout ends idle waiting. */
const maxCpuSeconds = 10;
/** Bytes by which the process may grow over all documents. */
const maxGrowth = 700 * 1024 ** 2;

/** V8's collector, which Node shows only with a flag. */
const collect = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

/** Messages of V8, zod or Node that mean nothing to a user: a check is missing. */
const leakedMessages =
  /Cannot (?:read|convert|destructure|access)|is not (?:a function|iterable|defined)|Maximum call stack|Invalid (?:input|array length|string length|URL)|Expected .* received|ERR_[A-Z_]+|\[object |\bat .*\.ts:\d+/;

/** A failure's text without quoted input, which may be anything. */
function withoutQuotes(message: string): string {
  return message.replaceAll(/"(?:[^"\\]|\\.)*"|`[^`]*`/g, '');
}

/** Asserts that an error is a ModelcarsError, short, without control characters, and not reported as a bug. */
export function checkFailure(error: unknown): void {
  if (!(error instanceof ModelcarsError)) throw error;
  const { code, message, next = '' } = error;
  expect(code, message).not.toBe('bug');
  expect(message.length, message.slice(0, 300)).toBeLessThan(2500);
  expect(withoutQuotes(message)).not.toMatch(leakedMessages);
  expect(`${message}${next}`).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u);
}

export interface FuzzOptions {
  /** Number of documents, before $MODELCARS_FUZZ_RUNS multiplies it. */
  runs: number;
  /** Whether an error is expected as it is; any other must pass checkFailure. */
  failure?: (error: unknown) => boolean;
  /** Documents tried first in every run, such as the large ones. */
  always?: readonly (() => unknown)[];
  /** CPU seconds per document; 10 by default. */
  seconds?: number;
}

/**
 * Runs `parse` over many documents. Returns how many it accepted and how many it refused; a suite whose documents all end the
 * same way tests nothing.
 */
export async function fuzz<T>(
  documents: fc.Arbitrary<T>,
  parse: (document: T) => unknown,
  { runs, failure, always = [], seconds = maxCpuSeconds }: FuzzOptions,
): Promise<{ accepted: number; refused: number }> {
  const counts = { accepted: 0, refused: 0 };
  const before = process.memoryUsage.rss();
  const attempt = async (document: T) => {
    const start = process.cpuUsage();
    try {
      await parse(document);
      counts.accepted++;
    } catch (error) {
      counts.refused++;
      if (failure === undefined || !failure(error)) checkFailure(error);
    }
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6, 'CPU seconds for one document').toBeLessThan(seconds);
  };
  for (const make of always) {
    await attempt(make() as T);
    // The process grows with the largest document then, not with however many were not collected yet.
    collect();
  }
  const numRuns = Math.ceil(runs * factor);
  await fc.assert(fc.asyncProperty(documents, attempt), { seed, numRuns, endOnFailure: false });
  expect(process.memoryUsage.rss() - before, 'bytes by which the process grew').toBeLessThan(maxGrowth);
  return counts;
}
