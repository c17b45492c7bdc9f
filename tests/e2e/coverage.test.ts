import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { coverageReport, readCoverage, spans } from '../../.ci/coverage.ts';
import { root } from '../parts/cli.ts';
import { run, tryRun } from '../parts/run.ts';

const source = `type Choice = 'ü' | 'b' | undefined;
export function choose(choice: Choice): string {
  if (choice === 'b') {
    return 'second';
  }
  return 'first';
}
function unused(): void {
  choose('ü');
}
if (process.argv[2] === 'fail') {
  unused();
}
console.log(choose(process.argv[2] as Choice));
`;

/** Vitest's report on the source, in which no test process ran anything. */
const statements = [3, 4, 6, 9, 11, 12, 14].map((line) => {
  const column = source.split('\n')[line - 1]?.search(/\S/) ?? 0;
  return { start: { line, column } };
});

describe('coverage of a CI run', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelcars-coverage-'));
    await mkdir(join(folder, 'scripts'));
    await mkdir(join(folder, 'coverage', 'workers'), { recursive: true });
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    await writeFile(join(folder, 'scripts', 'choose.ts'), source);
    await mkdir(join(folder, 'coverage', 'programs'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Vitest's report, in which test processes ran the statements on these lines. */
  const workersRan = (...lines: number[]) =>
    writeFile(
      join(folder, 'coverage', 'workers', 'coverage-final.json'),
      JSON.stringify({
        [join(folder, 'scripts', 'choose.ts')]: {
          statementMap: statements,
          s: statements.map(({ start }) => (lines.includes(start.line) ? 1 : 0)),
        },
      }),
    );
  const start = (argument: string) =>
    run(process.execPath, [join(folder, 'scripts', 'choose.ts'), argument], {
      env: { NODE_V8_COVERAGE: join(folder, 'coverage', 'programs'), NODE_DISABLE_COMPILE_CACHE: '1' },
    });
  const missed = () => readCoverage(join(folder, 'coverage'), folder).map((file) => file.missed);

  test('adds the lines that programs ran to those that test processes ran', async () => {
    await workersRan();
    expect(missed()).toEqual([[3, 4, 6, 9, 11, 12, 14]]);
    await start('a');
    expect(missed()).toEqual([[4, 9, 12]]);
    await start('b');
    expect(missed()).toEqual([[9, 12]]);
    await workersRan(9);
    expect(missed()).toEqual([[12]]);
  });

  test('ignores the report of a program that was killed while it wrote', async () => {
    await writeFile(join(folder, 'coverage', 'programs', 'coverage-1-1-0.json'), '{"result": [{"url"');
    expect(missed()).toEqual([[12]]);
  });

  test('fails when too little is covered, and names the lines', async () => {
    await workersRan(9);
    const args = [join(root, '.ci/coverage.ts'), join(folder, 'coverage')];
    const { code, stdout } = await tryRun(process.execPath, args, { cwd: folder });
    expect(code).toBe(1);
    expect(stdout).toBe(
      'coverage of scripts/: 85.7 % of 7 lines\n   85.7 % scripts/choose.ts: 12\nfailed: fewer than 92 % of the lines are covered\n',
    );
    await start('fail');
    await expect(run(process.execPath, args, { cwd: folder })).resolves.toContain('100.0 % of 7 lines');
  });

  test('shows the least covered files first, and leaves out files without code', () => {
    const file = (path: string, lines: number, ...missing: number[]) => ({ path, lines, missed: missing });
    const files = [file('a.ts', 10, 1), file('types.ts', 0), file('b.ts', 2, 1), file('c.ts', 8)];
    expect(coverageReport(files, 2)).toEqual({
      percent: 90,
      lines: ['coverage of scripts/: 90.0 % of 20 lines', '   50.0 % b.ts: 1', '   90.0 % a.ts: 1'],
    });
  });

  test('writes neighbouring lines as a span', () => {
    expect(spans([3, 7, 8, 9, 12, 13])).toBe('3, 7–9, 12–13');
  });
});
