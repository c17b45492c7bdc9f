/** The reports of grype 0.121.2 and trivy as they print them, shortened to what a test varies. */
import type { Programs } from './fake-programs.ts';

export interface Finding {
  id: string;
  package: string;
  version: string;
  severity: string;
  fixedIn?: string;
}

/** As every finding of the tests but for what is given. */
export function finding(change: Partial<Finding> = {}): Finding {
  const usual = {
    id: 'GHSA-aaaa-bbbb-cccc',
    package: 'golang.org/x/term',
    version: 'v0.45.0',
    severity: 'High',
  };
  return { ...usual, ...change };
}

/** `grype -o json`. */
export function grypeReport(found: readonly Finding[] = [], built = new Date()): string {
  return JSON.stringify({
    matches: found.map((one) => ({
      vulnerability: {
        id: one.id,
        dataSource: '',
        severity: one.severity,
        urls: [],
        description: 'planted by a test',
        cvss: [],
        fix: {
          versions: one.fixedIn === undefined ? [] : [one.fixedIn],
          state: one.fixedIn === undefined ? 'not-fixed' : 'fixed',
        },
        advisories: [],
        risk: 0,
      },
      relatedVulnerabilities: [],
      matchDetails: [{ type: 'exact-direct-match', matcher: 'go-module-matcher' }],
      artifact: { id: '0fee4a4e41fe9ee4', name: one.package, version: one.version, type: 'go-module' },
    })),
    source: { type: 'image', target: {} },
    distro: { name: '', version: '', idLike: null },
    descriptor: {
      name: 'grype',
      version: '0.121.2',
      configuration: {},
      db: { status: { schemaVersion: 'v6.1.10', built: built.toISOString(), valid: true }, providers: {} },
    },
  });
}

/** `trivy image --format json`. */
export function trivyReport(found: readonly Finding[] = []): string {
  return JSON.stringify({
    SchemaVersion: 2,
    ArtifactName: '/tmp/layout',
    ArtifactType: 'container_image',
    Metadata: { ImageID: 'sha256:00', DiffIDs: [] },
    Results: [
      {
        Target: 'bin/busybox',
        Class: 'lang-pkgs',
        Type: 'gobinary',
        ...(found.length > 0 && {
          Vulnerabilities: found.map((one) => ({
            VulnerabilityID: one.id,
            PkgName: one.package,
            InstalledVersion: one.version,
            ...(one.fixedIn !== undefined && { FixedVersion: one.fixedIn }),
            Status: 'fixed',
            Severity: one.severity.toUpperCase(),
          })),
        }),
      },
    ],
  });
}

/** `trivy version --format json`. */
export function trivyVersion(updated: Date | undefined = new Date()): string {
  const database = updated && {
    Version: 2,
    UpdatedAt: updated.toISOString(),
    NextUpdate: '',
    DownloadedAt: '',
  };
  return JSON.stringify({ Version: '0.70.0', ...(database && { VulnerabilityDB: database }) });
}

/** A grype that prints `report`, and writes down what it was asked for, with the layout's index. */
export async function addGrype(programs: Programs, report: string, more = ''): Promise<void> {
  const script = `env > environment; pwd > folder
cat "\${1#oci-dir:}/index.json" >> indexes
cat <<'REPORT'
${report}
REPORT
${more}`;
  await programs.add('grype', script);
}

/** A trivy that prints `report`, and `version` when asked for its version. */
export async function addTrivy(programs: Programs, report: string, version = trivyVersion()): Promise<void> {
  const print = (text: string) => `cat <<'REPORT'\n${text}\nREPORT`;
  await programs.add('trivy', `if [ "$1" = version ]; then\n${print(version)}\nelse\n${print(report)}\nfi`);
}
