import type { z } from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { list, plain } from '../../text/format.ts';
import { type ScannerName, type Severity, severities, type Vulnerability } from './types.ts';

/**
 * A scanner's JSON as its schema describes it. Fails with code `scan`: what cannot be read must not pass for an image
 * without vulnerabilities.
 */
export function readReport<T extends z.ZodType>(program: ScannerName, text: string, schema: T): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const start = text.trim().slice(0, 60);
    const what = start === '' ? 'it printed no report' : `it printed no JSON: ${plain(start)}`;
    throw unreadable(program, what);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unreadable(program, `${plain(issue?.path.join('.') || 'report')}: ${plain(issue?.message ?? '')}`);
}

function unreadable(program: ScannerName, why: string): ModelcarsError {
  return new ModelcarsError('scan', `read the report of ${program}: ${why}`, {
    next: `unset an output, file or template in the configuration of ${program} (also ${program.toUpperCase()}_*), or update it`,
  });
}

/** A scanner's word for a severity. Fails with code `scan` for one that has no rank. */
export function severityOf(program: ScannerName, word: string): Severity {
  const found = severities.find((one) => one === word.toLowerCase());
  if (found !== undefined) return found;
  throw unreadable(program, `its severity ${plain(word)} is none of ${list([...severities], 'and')}`);
}

/** Worst first; each vulnerability of a package once. Those with a fix come before those without. */
export function sortVulnerabilities(found: readonly Vulnerability[]): Vulnerability[] {
  const keyOf = (one: Vulnerability) => `${one.id} ${one.package} ${one.version}`;
  const unique = new Map(found.map((one) => [keyOf(one), one]));
  const rank = ({ severity }: Vulnerability) => severities.indexOf(severity);
  return [...unique.values()].sort(
    (a, b) =>
      rank(b) - rank(a) ||
      Number(a.fixedIn === undefined) - Number(b.fixedIn === undefined) ||
      (keyOf(a) < keyOf(b) ? -1 : 1),
  );
}
