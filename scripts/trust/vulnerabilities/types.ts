/** Scanners by the names of their programs, in the order in which they are looked for. */
export const scannerNames = ['grype', 'trivy'] as const;
export type ScannerName = (typeof scannerNames)[number];

/** Severities, least first: those of grype; trivy has no `negligible`. `unknown` never blocks, as in grype. */
export const severities = ['unknown', 'negligible', 'low', 'medium', 'high', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** A severity from which vulnerabilities block. */
export type FailOn = Exclude<Severity, 'unknown'>;

/** What a scan asks for. */
export interface ScanOptions {
  /** Absent: the first of `scannerNames` on PATH. */
  scanner?: ScannerName;
  failOn: FailOn;
  /** Oldest database to trust, in days. */
  maxDatabaseAge: number;
}

/** One vulnerability of one package. */
export interface Vulnerability {
  /** `CVE-2026-1234`, `GHSA-…`. */
  id: string;
  severity: Severity;
  package: string;
  /** The version in the image. */
  version: string;
  /** The first version without it; absent when none is known. */
  fixedIn?: string;
}

/** What a scanner says of one image. */
export interface Report {
  /** Version of the program. */
  version: string;
  /** When its database was built; undefined when the scanner does not say. */
  database: Date | undefined;
  /** Worst first. */
  vulnerabilities: Vulnerability[];
}

/** A scanner's program, and how to speak to it. */
export interface Scanner {
  name: ScannerName;
  /** Its ignore file, beside models.yaml. */
  ignoreFile: string;
  /** The step that gets a new database. */
  updateDatabase: string;
  /** The variable that makes it say more. */
  debug: string;
  /**
   * Scans an OCI image layout of one image. Fails with code `scan` when the program fails, has no database, or answers
   * what cannot be read.
   */
  scan(layout: string, context: ScanContext): Promise<Report>;
}

/** Where and how a scanner runs. */
export interface ScanContext {
  /** The scanner finds its configuration and ignore file here. */
  folder: string;
  maxDatabaseAge: number;
  signal: AbortSignal;
}
