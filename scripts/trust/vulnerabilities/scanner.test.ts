import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Programs } from '../../../tests/support/fake-programs.ts';
import { failure } from '../../../tests/support/outcome.ts';
import {
  addGrype,
  addTrivy,
  finding,
  grypeReport,
  trivyReport,
  trivyVersion,
} from '../../../tests/support/scanners.ts';
import { findScanner } from './find-scanner.ts';
import { grype } from './grype.ts';
import { trivy } from './trivy.ts';

let programs: Programs;
beforeEach(async () => {
  programs = await Programs.open();
});
afterEach(async () => programs[Symbol.asyncDispose]());

const context = () => ({
  folder: programs.folder,
  maxDatabaseAge: 5,
  signal: new AbortController().signal,
});
const found = [
  finding({ id: 'GHSA-1', severity: 'Low' }),
  finding({ id: 'GHSA-2', severity: 'Critical' }),
  finding({ id: 'GHSA-3', severity: 'High', fixedIn: '0.46.0' }),
  finding({ id: 'GHSA-4', severity: 'High' }),
  finding({ id: 'GHSA-5', severity: 'Unknown' }),
];

describe('grype', () => {
  it('scans a layout, and its report is read worst first, with the date of its database', async () => {
    await addGrype(programs, grypeReport([...found, ...found], new Date('2026-11-01T00:00:00Z')));
    const report = await grype.scan('/layout', context());
    expect(await programs.calls()).toEqual(['grype oci-dir:/layout --output json']);
    expect(report).toMatchObject({ version: '0.121.2', database: new Date('2026-11-01T00:00:00Z') });
    expect(report.vulnerabilities.map(({ id }) => id)).toEqual([
      'GHSA-2',
      'GHSA-3',
      'GHSA-4',
      'GHSA-1',
      'GHSA-5',
    ]);
    expect(report.vulnerabilities[1]).toEqual({
      id: 'GHSA-3',
      severity: 'high',
      package: 'golang.org/x/term',
      version: 'v0.45.0',
      fixedIn: '0.46.0',
    });
  });

  it('accepts databases as old as the caller does', async () => {
    await addGrype(programs, grypeReport());
    await grype.scan('/layout', { ...context(), maxDatabaseAge: 14 });
    expect(await programs.read('environment')).toMatch(/^GRYPE_DB_MAX_ALLOWED_BUILT_AGE=336h$/m);
  });

  it('is read although its own configuration makes it fail for a severity', async () => {
    await addGrype(programs, grypeReport(found), 'exit 2');
    expect((await grype.scan('/layout', context())).vulnerabilities).toHaveLength(5);
  });

  it('without a database is an error that says how to get one', async () => {
    await programs.add(
      'grype',
      'echo "[0000] ERROR failed to load vulnerability db: database does not exist" >&2; exit 1',
    );
    expect(await failure(grype.scan('/layout', context()))).toMatchObject({
      code: 'scan',
      message: expect.stringMatching(/^run grype: no usable database\n {2}.*database does not exist/),
      next: expect.stringContaining('grype db update'),
    });
  });

  it('that fails for another cause is an error with its last words', async () => {
    await programs.add('grype', 'echo "unable to read layer" >&2; exit 1');
    expect(await failure(grype.scan('/layout', context()))).toMatchObject({
      message: 'run grype: failed\n  unable to read layer',
      next: 'run it again with GRYPE_LOG_LEVEL=debug',
    });
  });
});

describe('trivy', () => {
  it('scans a layout with every severity, and its report is read', async () => {
    await addTrivy(programs, trivyReport(found), trivyVersion(new Date('2026-11-01T00:00:00Z')));
    const report = await trivy.scan('/layout', context());
    expect((await programs.calls())[0]).toBe(
      'trivy image --input /layout --format json --scanners vuln --no-progress --severity UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL --exit-code 0',
    );
    expect(report).toMatchObject({ version: '0.70.0', database: new Date('2026-11-01T00:00:00Z') });
    expect(report.vulnerabilities.map(({ id }) => id)).toEqual([
      'GHSA-2',
      'GHSA-3',
      'GHSA-4',
      'GHSA-1',
      'GHSA-5',
    ]);
    expect(report.vulnerabilities[1]).toMatchObject({ severity: 'high', fixedIn: '0.46.0' });
  });

  it('finds nothing in an image without vulnerabilities or without packages', async () => {
    await addTrivy(programs, trivyReport());
    expect((await trivy.scan('/layout', context())).vulnerabilities).toEqual([]);
    await addTrivy(programs, JSON.stringify({ SchemaVersion: 2, ArtifactType: 'container_image' }));
    expect((await trivy.scan('/layout', context())).vulnerabilities).toEqual([]);
  });

  it('without a database has no date of one', async () => {
    await addTrivy(programs, trivyReport(), JSON.stringify({ Version: '0.70.0' }));
    expect((await trivy.scan('/layout', context())).database).toBeUndefined();
    await programs.add(
      'trivy',
      'echo "FATAL --skip-db-update cannot be specified on the first run of DB" >&2; exit 1',
    );
    expect(await failure(trivy.scan('/layout', context()))).toMatchObject({
      message: expect.stringMatching(/^run trivy: no usable database\n/),
      next: expect.stringContaining('--download-db-only'),
    });
  });
});

describe.each([grype, trivy])('a report of $name is an error, never a pass', (scanner) => {
  const good = scanner === grype ? grypeReport(found) : trivyReport(found);
  it.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', 'NAME INSTALLED FIXED-IN'],
    ['a truncated one', good.slice(0, -20)],
    ['another JSON', '{"bomFormat": "CycloneDX"}'],
    [
      'a finding without severity',
      good.replace(/"severity":"[^"]*",?|"Severity":"[^"]*"/i, '"x":1,').replace(',}', '}'),
    ],
    ['a severity without a rank', good.replace(/"Critical"/i, '"Severe"')],
  ])('when it is %s', async (_, report) => {
    await programs.add(scanner.name, `cat <<'REPORT'\n${report}\nREPORT`);
    const error = await failure(scanner.scan('/layout', context()));
    expect(error.code).toBe('scan');
    expect(error.message).toMatch(new RegExp(`^read the report of ${scanner.name}: `));
  });
});

describe('the scanner on PATH', () => {
  it('is grype before trivy, or the one that is wanted', async () => {
    process.env.PATH = programs.folder;
    await programs.add('trivy', '');
    expect((await findScanner()).name).toBe('trivy');
    await programs.add('grype', '');
    expect((await findScanner()).name).toBe('grype');
    expect((await findScanner('trivy')).name).toBe('trivy');
  });

  it('is required', async () => {
    process.env.PATH = programs.folder;
    expect(await failure(findScanner())).toMatchObject({
      code: 'scan',
      message: 'scan for vulnerabilities: grype or trivy is not on PATH',
    });
    await programs.add('grype', '');
    expect((await failure(findScanner('trivy'))).message).toContain('trivy is not on PATH');
  });
});
