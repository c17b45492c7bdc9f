import { z } from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { readReport, severityOf, sortVulnerabilities } from './read-report.ts';
import { lastLines, runScanner } from './run-scanner.ts';
import type { Report, ScanContext, Scanner } from './types.ts';

/** `grype -o json` (grype/presenter/models), as far as it is read; since 0.88 the database's date is in `status`. */
const schema = z.object({
  matches: z.array(
    z.object({
      vulnerability: z.object({
        id: z.string(),
        severity: z.string(),
        fix: z.object({ versions: z.array(z.string()).nullish() }).optional(),
      }),
      artifact: z.object({ name: z.string(), version: z.string() }),
    }),
  ),
  descriptor: z.object({
    name: z.literal('grype'),
    version: z.string(),
    db: z.object({
      built: z.string().optional(),
      status: z.object({ built: z.string().optional(), valid: z.literal(true).optional() }).optional(),
    }),
  }),
});

const updateDatabase =
  'run `grype db update`, or without network `grype db import` with a file from a machine that has one';

/** Anchore's grype. */
export const grype: Scanner = {
  name: 'grype',
  ignoreFile: '.grype.yaml',
  updateDatabase,
  debug: 'GRYPE_LOG_LEVEL=debug',
  async scan(layout, { folder, maxDatabaseAge, signal }: ScanContext): Promise<Report> {
    const environment = {
      GRYPE_CHECK_FOR_APP_UPDATE: 'false',
      // Its own limit is five days; the caller's can be longer, and is checked again on the report.
      GRYPE_DB_MAX_ALLOWED_BUILT_AGE:
        process.env.GRYPE_DB_MAX_ALLOWED_BUILT_AGE ?? `${Math.ceil(maxDatabaseAge * 24)}h`,
    };
    const args = [`oci-dir:${layout}`, '--output', 'json'];
    const { code, stdout, stderr } = await runScanner({
      program: 'grype',
      args,
      folder,
      environment,
      signal,
    });
    // 2: the user's own configuration has `fail-on-severity`; the report is complete.
    if (code !== 0 && !(code === 2 && stdout !== '')) throw failed(stderr);
    const { matches, descriptor } = readReport('grype', stdout, schema);
    const built = descriptor.db.status?.built ?? descriptor.db.built;
    return {
      version: descriptor.version,
      database: built === undefined ? undefined : new Date(built),
      vulnerabilities: sortVulnerabilities(
        matches.map(({ vulnerability: { id, severity, fix }, artifact }) => {
          const fixedIn = fix?.versions?.join(', ');
          return {
            id,
            severity: severityOf('grype', severity),
            package: artifact.name,
            version: artifact.version,
            ...(fixedIn && { fixedIn }),
          };
        }),
      ),
    };
  },
};

function failed(stderr: string): ModelcarsError {
  const database = /vulnerability (?:db|database)|database (?:does not exist|was built)|\bdb\b/i.test(stderr);
  return new ModelcarsError(
    'scan',
    database ? `run grype: no usable database${lastLines(stderr)}` : `run grype: failed${lastLines(stderr)}`,
    { next: database ? updateDatabase : `run it again with ${grype.debug}` },
  );
}
