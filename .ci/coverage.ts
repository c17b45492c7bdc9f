/**
 * Adds up the coverage of scripts/ by unit, e2e and slow tests, and of the programs that they start; prints it with the least
 * covered files. Usage: node .ci/coverage.ts FOLDER ; exits 1 when fewer lines than `least` are covered.
 *
 * FOLDER/workers/coverage-final.json is vitest's report (Istanbul's format): the statements of every file, and how often
 * the test processes ran each. FOLDER/programs/ has V8's own reports, by NODE_V8_COVERAGE, one per process that
 * ended by itself: a killed one writes none. Node strips types by blanks, so V8's offsets are those of the source.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Percent of the lines that have to be covered. */
const least = 92;

/** The part of Istanbul's report on a file that is read. Lines count from 1, columns from 0. */
export interface StatementReport {
  statementMap: Record<string, { start: { line: number; column: number | null } }>;
  s: Record<string, number>;
}

/** A function in V8's report: nested ranges; the innermost one around an offset says how often it ran. */
export interface FunctionReport {
  ranges: { startOffset: number; endOffset: number; count: number }[];
}

/** A line is covered when a statement that begins on it ran. */
export interface FileCoverage {
  /** Relative to the repository. */
  path: string;
  lines: number;
  /** The lines that no test ran, ascending. */
  missed: number[];
}

/** Whether the code at an offset ran. */
export function ranAt(offset: number, functions: FunctionReport[]): boolean {
  let innermost: FunctionReport['ranges'][number] | undefined;
  for (const { ranges } of functions) {
    for (const range of ranges) {
      if (range.startOffset > offset || range.endOffset <= offset) continue;
      const length = range.endOffset - range.startOffset;
      if (!innermost || length <= innermost.endOffset - innermost.startOffset) innermost = range;
    }
  }
  return innermost !== undefined && innermost.count > 0;
}

/** Adds what programs ran to a file's report by vitest. `runs` has V8's functions of that file, one entry per program. */
export function fileCoverage(
  path: string,
  source: string,
  report: StatementReport,
  runs: FunctionReport[][],
): FileCoverage {
  const lineStarts = [0];
  for (const { index } of source.matchAll(/\n/g)) lineStarts.push(index + 1);
  const ran = new Map<number, boolean>();
  for (const [id, { start }] of Object.entries(report.statementMap)) {
    const offset = (lineStarts[start.line - 1] ?? 0) + (start.column ?? 0);
    const covered = (report.s[id] ?? 0) > 0 || runs.some((functions) => ranAt(offset, functions));
    ran.set(start.line, covered || ran.get(start.line) === true);
  }
  const missed = [...ran].filter(([, covered]) => !covered).map(([line]) => line);
  return { path, lines: ran.size, missed: missed.sort((a, b) => a - b) };
}

/** The coverage of every file in vitest's report, with the programs' reports. */
export function readCoverage(folder: string, root: string): FileCoverage[] {
  const reports = JSON.parse(readFileSync(join(folder, 'workers', 'coverage-final.json'), 'utf8')) as Record<
    string,
    StatementReport
  >;
  const runs = programRuns(join(folder, 'programs'), pathToFileURL(join(root, 'scripts/')).href);
  return Object.entries(reports).map(([file, report]) =>
    fileCoverage(relative(root, file), readFileSync(file, 'utf8'), report, runs.get(file) ?? []),
  );
}

/** V8's functions by file, for the files below a URL. Most programs run most files alike: equal reports are kept once. */
function programRuns(folder: string, below: string): Map<string, FunctionReport[][]> {
  const distinct = new Map<string, Map<string, FunctionReport[]>>();
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.json'))) {
    const { result } = parsed(join(folder, name));
    for (const { url, functions } of result) {
      if (!url.startsWith(below)) continue;
      const file = fileURLToPath(url);
      const known = distinct.get(file) ?? new Map<string, FunctionReport[]>();
      known.set(JSON.stringify(functions), functions);
      distinct.set(file, known);
    }
  }
  return new Map([...distinct].map(([file, known]) => [file, [...known.values()]]));
}

interface ProgramReport {
  result: { url: string; functions: FunctionReport[] }[];
}

/** A program killed while it writes leaves half a report: it counts as none, like that of one killed before. */
function parsed(path: string): ProgramReport {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProgramReport;
  } catch {
    return { result: [] };
  }
}

/** `7, 9–12` for lines. */
export function spans(lines: number[]): string {
  const found: [first: number, last: number][] = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (last && line === last[1] + 1) last[1] = line;
    else found.push([line, line]);
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}–${last}`)).join(', ');
}

/** The report: the total in percent of the lines, and the files with the lowest share, worst first. */
export function coverageReport(files: FileCoverage[], shown = 10): { percent: number; lines: string[] } {
  const share = ({ lines, missed }: FileCoverage) => (100 * (lines - missed.length)) / lines;
  const some = files.filter(({ lines }) => lines > 0);
  const total = some.reduce((sum, { lines }) => sum + lines, 0);
  const missed = some.reduce((sum, file) => sum + file.missed.length, 0);
  const percent = total === 0 ? 0 : (100 * (total - missed)) / total;
  const worst = some.toSorted((a, b) => share(a) - share(b)).slice(0, shown);
  return {
    percent,
    lines: [
      `coverage of scripts/: ${percent.toFixed(1)} % of ${total} lines`,
      ...worst.map((file) => `${share(file).toFixed(1).padStart(7)} % ${file.path}: ${spans(file.missed)}`),
    ],
  };
}

function main([folder]: string[]): number {
  if (!folder) throw new Error('usage: coverage.ts FOLDER');
  const { percent, lines } = coverageReport(readCoverage(folder, process.cwd()));
  for (const line of lines) console.log(line);
  if (percent >= least) return 0;
  console.log(`failed: fewer than ${least} % of the lines are covered`);
  return 1;
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2));
