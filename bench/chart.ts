/** Results as an SVG bar chart: one group per work, one bar per tool, its length the time. */
import { formatRatio, formatSeconds } from './report.ts';
import { medians, type Result, ratio } from './results.ts';

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
    text(margin, margin + 12, 'Time of each tool; shorter is better. ×: relative to modelcars.', ''),
  );
  let top = margin + 24;
  for (const result of results) {
    const bars = barsOf(result);
    if (bars.length < 2) continue;
    parts.push(text(margin, top + 20, result.title, 'head'));
    top += headHeight;
    const longest = Math.max(...bars.map(({ wall }) => wall));
    for (const bar of bars) {
      const length = Math.max(2, (bar.wall / longest) * (width - axis - labels - margin));
      const ours = bar.ours ? 'ours' : '';
      const middle = top + barHeight / 2 + 5;
      parts.push(
        text(axis - 10, middle, bar.title, ours, 'end'),
        `<rect class="${`bar ${ours}`.trim()}" x="${axis}" y="${top}" width="${length.toFixed(1)}" height="${barHeight}" rx="2"/>`,
        text(axis + length + 8, middle, bar.label, ours),
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
}

function barsOf(result: Result): Bar[] {
  return result.rows.flatMap((row) => {
    const sample = medians(row);
    if (sample === undefined) return [];
    const ours = row.peer.startsWith('modelcars');
    const value = row === result.rows[0] ? undefined : ratio(result, row);
    const times = value === undefined ? '' : `  ${formatRatio(value)}`;
    return [{ title: row.title, label: `${formatSeconds(sample.wall)}${times}`, wall: sample.wall, ours }];
  });
}

function text(x: number, y: number, content: string, kind: string, anchor = 'start'): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const attributes = `${kind ? ` class="${kind}"` : ''}${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}`;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" xml:space="preserve"${attributes}>${escaped}</text>`;
}
