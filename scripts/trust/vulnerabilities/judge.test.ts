import { expect, it } from 'vitest';
import { grype } from './grype.ts';
import { blocking, checkDatabase, countSeverities, vulnerable } from './judge.ts';
import { severities, type Vulnerability } from './types.ts';

const all: Vulnerability[] = severities.map((severity) => ({
  id: `CVE-${severity}`,
  severity,
  package: 'openssl-libs',
  version: '3.2.2-6.el10',
}));

it.each([
  ['critical', ['critical']],
  ['high', ['high', 'critical']],
  ['medium', ['medium', 'high', 'critical']],
  ['negligible', ['negligible', 'low', 'medium', 'high', 'critical']],
] as const)('blocks from %s on: %j; an unknown severity never', (failOn, expected) => {
  expect(blocking(all, failOn).map(({ severity }) => severity)).toEqual(expected);
});

it('counts each severity that occurs', () => {
  expect(countSeverities([...all.slice(0, 1), ...all.slice(4), ...all.slice(4)])).toEqual({
    unknown: 1,
    high: 2,
    critical: 2,
  });
});

it('names package, version, vulnerability, severity and fixed version, and at most ten', () => {
  const many = Array.from(
    { length: 12 },
    (_, at): Vulnerability => ({
      id: `CVE-2026-${at}`,
      severity: 'high',
      package: 'zlib\n',
      version: '1.2',
      ...(at === 0 && { fixedIn: '1.3' }),
    }),
  );
  const error = vulnerable('base embedded (linux/amd64)', many, { failOn: 'high', next: 'update' });
  const lines = error.message.split('\n');
  expect(lines[0]).toBe('scan base embedded (linux/amd64): 12 vulnerabilities of severity high or worse');
  expect(lines[1]).toBe('  HIGH CVE-2026-0: zlib\\u{a} 1.2, fixed in 1.3');
  expect(lines[2]).toBe('  HIGH CVE-2026-1: zlib\\u{a} 1.2, no fixed version');
  expect(lines).toHaveLength(12);
  expect(lines.at(-1)).toBe('  and 2 more');
  expect(error).toMatchObject({ code: 'scan', next: 'update' });
});

it('refuses a database without a date, or older than wanted', () => {
  const now = Date.parse('2026-11-29T00:00:00Z');
  const check = (database: Date | undefined) => () =>
    checkDatabase(grype, { version: '1', database, vulnerabilities: [] }, 5, now);
  expect(check(new Date('2026-11-24T00:00:01Z'))).not.toThrow();
  expect(check(new Date('2026-11-23T00:00:00Z'))).toThrow(
    'use the database of grype: it was built 6 days ago, over 5',
  );
  expect(check(undefined)).toThrow('it does not say when it was built');
  expect(check(new Date('nonsense'))).toThrow('it does not say when it was built');
});
