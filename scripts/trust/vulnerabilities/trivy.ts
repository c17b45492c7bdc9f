import { z } from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { readReport, severityOf, sortVulnerabilities } from './read-report.ts';
import { lastLines, runScanner } from './run-scanner.ts';
import type { Report, ScanContext, Scanner } from './types.ts';

/** `trivy image --format json` (pkg/types/report.go), as far as it is read. Without packages there are no `Results`. */
const schema = z.object({
  SchemaVersion: z.literal(2),
  ArtifactType: z.literal('container_image'),
  Results: z
    .array(
      z.object({
        Vulnerabilities: z
          .array(
            z.object({
              VulnerabilityID: z.string(),
              PkgName: z.string(),
              InstalledVersion: z.string(),
              FixedVersion: z.string().optional(),
              Severity: z.string(),
            }),
          )
          .nullish(),
      }),
    )
    .nullish(),
});

/** `trivy version --format json`. */
const versionSchema = z.object({
  Version: z.string(),
  VulnerabilityDB: z.object({ UpdatedAt: z.string() }).nullish(),
});

const updateDatabase =
  'run `trivy image --download-db-only`, or without network copy the cache folder of a machine that has one';

/** Aqua Security's trivy. */
export const trivy: Scanner = {
  name: 'trivy',
  ignoreFile: '.trivyignore',
  updateDatabase,
  debug: 'TRIVY_DEBUG=true',
  async scan(layout, { folder, signal }: ScanContext): Promise<Report> {
    // A report goes to stdout and has every severity, whatever the user's own configuration says.
    const args = ['image', '--input', layout, '--format', 'json', '--scanners', 'vuln', '--no-progress'];
    args.push('--severity', 'UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL', '--exit-code', '0');
    const { code, stdout, stderr } = await runScanner({ program: 'trivy', args, folder, signal });
    if (code !== 0) throw failed(stderr);
    const { Results } = readReport('trivy', stdout, schema);
    const version = await runScanner({
      program: 'trivy',
      args: ['version', '--format', 'json'],
      folder,
      signal,
    });
    if (version.code !== 0) throw failed(version.stderr);
    const { Version, VulnerabilityDB } = readReport('trivy', version.stdout, versionSchema);
    return {
      version: Version,
      database: VulnerabilityDB ? new Date(VulnerabilityDB.UpdatedAt) : undefined,
      vulnerabilities: sortVulnerabilities(
        (Results ?? []).flatMap(({ Vulnerabilities }) =>
          (Vulnerabilities ?? []).map((one) => ({
            id: one.VulnerabilityID,
            severity: severityOf('trivy', one.Severity),
            package: one.PkgName,
            version: one.InstalledVersion,
            ...(one.FixedVersion && { fixedIn: one.FixedVersion }),
          })),
        ),
      ),
    };
  },
};

function failed(stderr: string): ModelcarsError {
  const database = /\bDB\b|database/i.test(stderr);
  return new ModelcarsError(
    'scan',
    database ? `run trivy: no usable database${lastLines(stderr)}` : `run trivy: failed${lastLines(stderr)}`,
    { next: database ? updateDatabase : `run it again with ${trivy.debug}` },
  );
}
