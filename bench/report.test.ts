import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chart } from './chart.ts';
import { renderPage } from './page.ts';
import { formatRatio, formatSeconds, resultSection, surroundings } from './report.ts';
import { median, mergeResults, type Result, ratio, readResults } from './results.ts';
import type { Sample } from './types.ts';

function sample(wall: number, more: Partial<Sample> = {}): Sample {
  return { wall, cpu: 1, registryCpu: 1, peak: 2e8, treePeak: 3e8, written: 4e9, kept: 0, ...more };
}

const versions = { podman: '4.3.1' };
const result: Result = {
  work: 'files',
  title: 'Four files <of 1 GiB> each',
  bytes: 4_294_967_296,
  command: 'npm run bench -- --work files',
  date: '2026-01-02',
  machine: { CPU: '2 × Somebody' },
  rows: [
    { peer: 'modelcars', title: 'modelcars push', versions: {}, samples: [sample(5), sample(3), sample(4)] },
    { peer: 'crane', title: 'tar | crane append', versions, samples: [sample(30), sample(50), sample(40)] },
    { peer: 'kit', title: 'kit', versions, samples: [], error: 'no space' },
  ],
};

test('the median ignores an outlier and is the mean of the middle two for an even count', () => {
  expect(median([100, 1, 2])).toBe(2);
  expect(median([1, 10, 2, 4])).toBe(3);
  expect(median([10, 9])).toBe(9.5);
  expect(median([])).toBeNaN();
});

test("ratios compare medians with modelcars' first row", () => {
  expect(result.rows.map((row) => ratio(result, row))).toEqual([1, 10, undefined]);
});

test('numbers keep two or three digits', () => {
  expect([0.042, 9.99, 9.996, 12.34, 240.4, 900].map(formatSeconds)).toEqual([
    '0.04 s',
    '9.99 s',
    '10.0 s',
    '12.3 s',
    '240 s',
    '15.0 min',
  ]);
  expect([0.931, 9.96, 31.25, 120].map(formatRatio)).toEqual(['0.93×', '10.0×', '31.3×', '120×']);
});

test('a table has a row for each tool that ran, and names those that did not', () => {
  const lines = resultSection(result).split('\n');
  expect(lines.filter((line) => line.startsWith('|'))).toEqual([
    "|  | time | ratio | CPU | registry's CPU | largest process | all processes | written | left on disk |",
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
    '| **modelcars push** | 4.00 s | 1× | 1.00 s | 1.00 s | 200 MB | 300 MB | 4.0 GB | 0 B |',
    '| tar \\| crane append | 40.0 s | 10.0× | 1.00 s | 1.00 s | 200 MB | 300 MB | 4.0 GB | 0 B |',
  ]);
  expect(lines.at(-1)).toBe('kit did not finish: no space');
});

test('the table shows requests if they were counted', () => {
  const rows = [{ ...result.rows[0], samples: [sample(1, { requests: 21, sent: 1500 })] }] as Result['rows'];
  const table = resultSection({ ...result, rows });
  expect(table).toContain('| time | ratio | CPU | requests | sent |');
  expect(table).toContain('| 21 | 1.5 kB |');
});

test('the table of a pull shows the most that was on disk', () => {
  const rows = [{ ...result.rows[0], samples: [sample(1, { peakDisk: 5e9 })] }] as Result['rows'];
  const table = resultSection({ ...result, rows });
  expect(table).toContain('| written | most on disk | left on disk |');
  expect(table).toContain('| 4.0 GB | 5.0 GB | 0 B |');
});

test('results are grouped by work only when machines differ', () => {
  const other = { ...result, work: 'hub', machine: { CPU: '64 × Else' } };
  expect(surroundings([result, { ...other, machine: result.machine }])).toBe(
    '- CPU: 2 × Somebody\n- programs: podman 4.3.1',
  );
  expect(surroundings([result, other])).toMatch(/^files:\n\n- CPU: 2[\s\S]*\n\nhub:\n\n- CPU: 64/);
});

test('a cold start has phases, and names the ways that did not run', () => {
  const sample = { wall: 9, cpu: 4, registryCpu: 0.5, kept: 2e9, created: 1, started: 7, ready: 8 };
  const rows = [
    { peer: 'modelcars', title: 'oci://', versions: {}, samples: [sample] },
    { peer: 'hf', title: 'hf://', versions: {}, samples: [], leftOut: 'no hub' },
  ];
  const section = resultSection({ ...result, rows });
  expect(section).toContain('| pod exists | model is there | pod is ready |');
  expect(section).toContain(
    '| **oci://** | 9.00 s | 1× | 1.00 s | 7.00 s | 8.00 s | 4.00 s | 0.50 s | 2.0 GB |',
  );
  expect(section).toMatch(/\nhf:\/\/ is left out: no hub$/);
});

test('a chart draws bars in proportion and escapes its text', () => {
  const svg = chart([result]);
  const widths = [...svg.matchAll(/class="bar[^>]*width="([\d.]+)"/g)].map((match) => Number(match[1]));
  expect(widths).toHaveLength(2);
  expect((widths[1] ?? 0) / (widths[0] ?? 1)).toBeCloseTo(10, 1);
  expect(svg).toContain('Four files &lt;of 1 GiB&gt; each');
  expect(chart([{ ...result, rows: result.rows.slice(0, 1) }])).not.toContain('class="bar');
});

test('the bar of a cold start has its phases as parts, which follow one another', () => {
  const sample = { cpu: 4, registryCpu: 1, kept: 1, created: 1, started: 3, ready: 3.5 };
  const rows = [4, 8].map((wall) => ({
    ...{ peer: `${wall}`, title: '', versions: {} },
    samples: [{ ...sample, wall }],
  }));
  const svg = chart([{ ...result, rows }]);
  const [pod, model, rest, ...other] = [
    ...svg.matchAll(/class="bar" x="([\d.]+)" y="\d+" width="([\d.]+)"/g),
  ].map(([, x, width]) => ({ x: Number(x), width: Number(width) }));
  expect(other).toHaveLength(3);
  expect((model?.width ?? 0) / (pod?.width ?? 1)).toBeCloseTo(2, 1);
  expect((pod?.x ?? 0) + (pod?.width ?? 0)).toBeCloseTo(model?.x ?? 0, 0);
  expect((model?.x ?? 0) + (model?.width ?? 0)).toBeCloseTo(rest?.x ?? 0, 0);
  expect((other[2]?.width ?? 0) / (rest?.width ?? 1)).toBeCloseTo(5, 1);
  expect(svg).toContain('Parts of a cold start');
  expect(chart([result])).not.toContain('Parts of a cold start');
});

test('the page keeps the text around the generated part, however often it is written', () => {
  const page =
    'Before.\n\n<!-- bench: written by `npm run bench -- --write` -->\nold\n<!-- bench: end -->\n\nAfter.\n';
  const once = renderPage(page, [result], 'performance.svg');
  expect(once).toMatch(
    /^Before\.\n\n<!-- bench: written[\s\S]*### Four files[\s\S]*<!-- bench: end -->\n\nAfter\.\n$/,
  );
  expect(once).not.toContain('old');
  expect(renderPage(once, [result], 'performance.svg')).toBe(once);
  expect(() => renderPage('Nothing', [result], 'x')).toThrow('write page');
});

test('new results replace those of the same work, in the order of the works', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-results-'));
  try {
    const file = join(folder, 'results.json');
    expect(await readResults(file)).toEqual([]);
    await mergeResults(file, [{ ...result, work: 'hub' }, result], ['files', 'hub']);
    const newer = { ...result, date: '2026-02-03' };
    await mergeResults(file, [newer], ['files', 'hub']);
    expect(await readResults(file)).toEqual([newer, { ...result, work: 'hub' }]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
