/**
 * Results as an SVG bar chart: one group per work, one bar per tool, its length the time. The bar of a cold start has its
 * phases as parts: until the pod exists, until the model is there, until the prediction.
 */
import { formatRatio, formatSeconds } from './report.ts';
import { medians, type Result, ratio } from './results.ts';
import { svgText } from './svg.ts';
import type { Sample } from './types.ts';

const width = 960;
const margin = 16;
/** Where bars begin; to the left are the tools' names. */
const axis = 370;
/** Room right of the longest bar for its time and ratio. */
const labels = 130;
const barHeight = 18;
const barStep = 26;
const headHeight = 40;
const groupGap = 14;

/** Readable both on white and on GitHub's dark page, and better where the reader's colour scheme is known. */
const style = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #57606a; }
  .head { font-weight: 600; font-size: 14px; fill: #24292f; }
  .ours { font-weight: 600; fill: #24292f; }
  .bar { fill: #afb8c1; }
  .bar.ours { fill: #2f7d6d; }
  .page { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9ea7b3; }
    .head, text.ours { fill: #e6edf3; }
    .bar { fill: #57606a; }
    .bar.ours { fill: #46a08c; }
    .page { fill: #0d1117; }
  }`;

/** The complete SVG. Bars of one group share a scale; groups do not. Results with fewer than two tools are left out. */
export function chart(results: readonly Result[]): string {
  const parts: string[] = [];
  parts.push(
    svgText(margin, margin + 12, 'Time of each tool; shorter is better. ×: relative to modelcars.', ''),
  );
  let top = margin + 24;
  const isColdStart = ({ rows }: Result): boolean =>
    rows.some(({ samples }) => samples[0]?.started !== undefined);
  if (results.some(isColdStart)) {
    const legend =
      'Parts of a cold start: until the pod exists (pale), until the model is there (full), until the prediction.';
    parts.push(svgText(margin, top + 12, legend, ''));
    top += 24;
  }
  for (const result of results) {
    const bars = barsOf(result);
    if (bars.length < 2) continue;
    parts.push(svgText(margin, top + 20, result.title, 'head'));
    top += headHeight;
    const longest = Math.max(...bars.map(({ wall }) => wall));
    for (const bar of bars) {
      const scale = (width - axis - labels - margin) / longest;
      const length = Math.max(2, bar.wall * scale);
      const ours = bar.ours ? 'ours' : '';
      const middle = top + barHeight / 2 + 5;
      parts.push(
        svgText(axis - 10, middle, bar.title, ours, 'end'),
        ...(bar.parts ?? [{ from: 0, to: length / scale, opacity: 1 }]).map(({ from, to, opacity }) => {
          const at = `x="${Number((axis + from * scale).toFixed(1))}" y="${top}"`;
          const size = `width="${((to - from) * scale).toFixed(1)}" height="${barHeight}"`;
          const shade = opacity === 1 ? '' : ` fill-opacity="${opacity}"`;
          return `<rect class="${`bar ${ours}`.trim()}" ${at} ${size} rx="2"${shade}/>`;
        }),
        svgText(axis + length + 8, middle, bar.label, ours),
      );
      top += barStep;
    }
    top += groupGap;
  }
  const height = Math.max(top, 2 * margin);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Time of each tool for each work; shorter is better">`,
    `<style>${style}\n</style>`,
    `<rect class="page" width="${width}" height="${height}" rx="6"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

interface Bar {
  title: string;
  label: string;
  wall: number;
  ours: boolean;
  /** Of a cold start, in seconds; the whole bar by default. */
  parts?: { from: number; to: number; opacity: number }[];
}

function barsOf(result: Result): Bar[] {
  return result.rows.flatMap((row) => {
    const sample = medians(row);
    if (sample === undefined) return [];
    const ours = row.peer.startsWith('modelcars');
    const value = row === result.rows[0] ? undefined : ratio(result, row);
    const times = value === undefined ? '' : `  ${formatRatio(value)}`;
    const { wall } = sample;
    const parts = partsOf(sample);
    return [
      { title: row.title, label: `${formatSeconds(wall)}${times}`, wall, ours, ...(parts && { parts }) },
    ];
  });
}

function partsOf({ created, started, wall }: Sample): Bar['parts'] {
  if (created === undefined || started === undefined) return undefined;
  // Of four pods, one may have existed before.
  const pod = Math.max(0, created);
  return [
    { from: 0, to: pod, opacity: 0.35 },
    { from: pod, to: started, opacity: 1 },
    { from: started, to: wall, opacity: 0.6 },
  ];
}
