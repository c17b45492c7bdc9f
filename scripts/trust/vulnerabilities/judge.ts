import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import {
  type FailOn,
  type Report,
  type Scanner,
  type Severity,
  severities,
  type Vulnerability,
} from './types.ts';

/** Vulnerabilities that an error lists. */
const shown = 10;
const day = 24 * 3600 * 1000;

/**
 * Fails with code `scan` when the scanner's database is older than `most` days, or has no date: it says nothing about
 * what became known since.
 */
export function checkDatabase(scanner: Scanner, { database }: Report, most: number, now = Date.now()): void {
  const { name, updateDatabase } = scanner;
  if (database === undefined || Number.isNaN(database.getTime()))
    throw new ModelcarsError('scan', `use the database of ${name}: it does not say when it was built`, {
      next: updateDatabase,
    });
  const age = (now - database.getTime()) / day;
  if (age <= most) return;
  throw new ModelcarsError(
    'scan',
    `use the database of ${name}: it was built ${Math.floor(age)} days ago, over ${most}`,
    { next: `${updateDatabase}; --max-db-age accepts an older one` },
  );
}

/** The vulnerabilities that block: of `failOn` or worse. */
export function blocking(found: readonly Vulnerability[], failOn: FailOn): Vulnerability[] {
  const least = severities.indexOf(failOn);
  return found.filter(({ severity }) => severities.indexOf(severity) >= least);
}

/** How many of each severity. */
export function countSeverities(found: readonly Vulnerability[]): Partial<Record<Severity, number>> {
  const counts: Partial<Record<Severity, number>> = {};
  for (const { severity } of found) counts[severity] = (counts[severity] ?? 0) + 1;
  return counts;
}

/** Names the image's worst vulnerabilities; `image` is as in "base embedded (linux/amd64)". */
export function vulnerable(
  image: string,
  found: readonly Vulnerability[],
  { failOn, next }: { failOn: FailOn; next: string },
): ModelcarsError {
  const lines = found.slice(0, shown).map((one) => {
    const fixed = one.fixedIn === undefined ? 'no fixed version' : `fixed in ${plain(one.fixedIn)}`;
    const where = `${plain(one.package)} ${plain(one.version)}`;
    return `\n  ${one.severity.toUpperCase()} ${plain(one.id)}: ${where}, ${fixed}`;
  });
  const more = found.length > shown ? `\n  and ${found.length - shown} more` : '';
  const count = found.length === 1 ? '1 vulnerability' : `${found.length} vulnerabilities`;
  const least = failOn === 'critical' ? 'of severity critical' : `of severity ${failOn} or worse`;
  return new ModelcarsError('scan', `scan ${image}: ${count} ${least}${lines.join('')}${more}`, { next });
}
