/**
 * Adds up vitest's JSON reports, names what failed and prints the one line CI ends with: `N passed, N failed, N skipped`.
 * Usage: node .ci/summary.ts REPORTS STEP=EXITCODE… ; exits 1 when anything failed or a suite ran no test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** The part of vitest's JSON report we read. */
export interface Report {
  testResults: {
    name: string;
    status: string;
    /** Why the file did not load; empty otherwise. */
    message?: string;
    assertionResults: { status: string; fullName?: string; failureMessages?: string[] }[];
  }[];
}

export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** The failed tests: file, name and message. CI keeps only the end of its output. */
  failures: string[];
  /** What failed without a failed test to show for it; each counts as one failed. */
  complaints: string[];
}

/** Where the tests of each suite live, as vitest.config.ts has it. */
const suites = {
  unit: /^(scripts|frameworks|base|bench)\//,
  e2e: /^tests\/e2e\//,
  slow: /^tests\/slow\//,
  hostile: /^tests\/hostile\//,
  judges: /^tests\/judges\//,
  dagger: /^tests\/dagger\//,
  kserve: /^tests\/kserve\//,
};

/** Sums the reports. A broken file, a suite without a passed test, a step that ended badly: none may look like a pass. */
export function summarize(reports: Report[], steps: Record<string, number>, root: string): Summary {
  const summary: Summary = { passed: 0, failed: 0, skipped: 0, failures: [], complaints: [] };
  const passedIn = new Set<string>();
  for (const file of reports.flatMap((report) => report.testResults)) {
    const name = relative(root, file.name);
    const statuses = file.assertionResults.map((result) => result.status);
    const passed = statuses.filter((status) => status === 'passed').length;
    const failed = statuses.filter((status) => status === 'failed').length;
    summary.passed += passed;
    summary.failed += failed;
    summary.skipped += statuses.length - passed - failed;
    for (const result of file.assertionResults) {
      if (result.status !== 'failed') continue;
      summary.failures.push(`${name}: ${result.fullName}: ${reason(result.failureMessages?.[0])}`);
    }
    if (file.status === 'failed' && failed === 0) {
      summary.complaints.push(`${name} failed outside its tests: ${reason(file.message)}`);
    }
    for (const [suite, pattern] of Object.entries(suites)) {
      if (passed > 0 && pattern.test(name)) passedIn.add(suite);
    }
  }
  for (const suite of Object.keys(suites)) {
    if (!passedIn.has(suite)) summary.complaints.push(`no ${suite} test passed`);
  }
  const explained = summary.failed + summary.complaints.length > 0;
  for (const [step, code] of Object.entries(steps)) {
    const runsTests = ['test', 'slow', 'hostile', 'judges', 'dagger', 'kserve'].includes(step);
    if (code !== 0 && !(runsTests && explained)) {
      summary.complaints.push(`${step} ended with exit code ${code}`);
    }
  }
  summary.failed += summary.complaints.length;
  return summary;
}

/** The longest start and end of a message that are printed: a program's output ends with what failed. */
const startLength = 500;
const endLength = 2500;

/** A message without colours and the stack's lines; without its middle if it is long. */
function reason(message = 'no message'): string {
  const lines = stripVTControlCharacters(message)
    .trim()
    .split('\n')
    .filter((line) => !/^\s+at /.test(line));
  const text = lines.join('\n  ');
  if (text.length <= startLength + endLength) return text;
  return `${text.slice(0, startLength)} […] ${text.slice(-endLength)}`;
}

function main([folder, ...args]: string[]): number {
  if (!folder) throw new Error('usage: summary.ts REPORTS STEP=EXITCODE…');
  const steps = Object.fromEntries(args.map((arg) => [arg.split('=')[0] ?? '', Number(arg.split('=')[1])]));
  const reports = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Report);
  const { passed, failed, skipped, failures, complaints } = summarize(reports, steps, process.cwd());
  for (const complaint of [...failures, ...complaints]) console.log(`failed: ${complaint}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
