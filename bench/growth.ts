/** How cost grows with the number of models: a table and an SVG line chart, and their place in docs/internals/performance.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { formatBytes } from '../scripts/text/bytes.ts';
import type { Measured } from './measure.ts';
import { formatSeconds } from './report.ts';
import { escapeXml, svgText } from './svg.ts';

/** One command, measured. */
export interface Line extends Measured {
  what: string;
  models: number;
  /** At the registry. */
  requests: number;
}

const begin = '<!-- scale: written by `npm run bench:scale -- --write` -->';
const end = '<!-- scale: end -->';

/** Name, time, CPU time, memory and requests per model of one command. */
export function cells({ what, models, wall, cpu, peak, requests }: Line): string[] {
  return [
    what,
    formatSeconds(wall),
    formatSeconds(cpu),
    formatBytes(peak),
    requests === 0 ? '' : (requests / models).toFixed(1),
  ];
}

/** One row per command and value, one column per number of models. */
export function growthTable(lines: readonly Line[]): string {
  const counts = countsOf(lines);
  const rows = commandsOf(lines).flatMap((what) => {
    const of = (models: number) => lines.find((line) => line.what === what && line.models === models);
    const row = (name: string, value: (line: Line) => string) =>
      `| ${what} | ${name} | ${counts
        .map((count) => of(count))
        .map((line) => (line ? value(line) : ''))
        .join(' | ')} |`;
    const asks = lines.some((line) => line.what === what && line.requests > 0);
    return [
      row('time', ({ wall }) => formatSeconds(wall)),
      row('CPU per model', (line) => `${cpuPerModel(line).toFixed(1)} ms`),
      row('memory', ({ peak }) => formatBytes(peak)),
      ...(asks ? [row('requests per model', ({ requests, models }) => (requests / models).toFixed(1))] : []),
    ];
  });
  return [
    `| command | | ${counts.map((count) => `${count.toLocaleString('en')} models`).join(' | ')} |`,
    `|---|---|${'---:|'.repeat(counts.length)}`,
    ...rows,
  ].join('\n');
}

/** One row per command. */
export function commandTable(lines: readonly Line[]): string {
  const head = '| command | time | CPU | memory | requests |\n|---|---:|---:|---:|---:|';
  return [head, ...lines.map((line) => `| ${cells(line).join(' | ')} |`)].join('\n');
}

const panelWidth = 460;
const height = 330;
/** The plot of a panel: room at the left for values, at the right for the commands' names. */
const plot = { left: 56, right: 330, top: 56, bottom: 290 };
const colours = ['#0969da', '#1b7f4b', '#bc4c00', '#8250df', '#cf222e', '#6e7781'];
const style = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #57606a; }
  .head { font-weight: 600; font-size: 14px; fill: #24292f; }
  .grid { stroke: #d0d7de; }
  .page { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #9ea7b3; }
    .head { fill: #e6edf3; }
    .grid { stroke: #30363d; }
    .page { fill: #0d1117; }
  }`;

/** Two panels over the number of models (logarithmic): CPU time per model, and memory. A complete SVG. */
export function growthChart(lines: readonly Line[]): string {
  const parts = [
    ...panel(lines, 0, 'CPU time per model, ms', cpuPerModel),
    ...panel(lines, panelWidth, 'Memory, MB', ({ peak }) => peak / 1e6),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * panelWidth}" height="${height}" viewBox="0 0 ${2 * panelWidth} ${height}" role="img" aria-label="CPU time per model and memory by the number of models in a catalog">`,
    `<style>${style}\n</style>`,
    `<rect class="page" width="${2 * panelWidth}" height="${height}" rx="6"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function panel(lines: readonly Line[], x: number, title: string, value: (line: Line) => number): string[] {
  const counts = countsOf(lines);
  const [least = 1, most = 1] = [counts[0], counts.at(-1)];
  const top = Math.max(...lines.map(value)) || 1;
  const across = (models: number) =>
    x +
    plot.left +
    (most === least ? 0 : Math.log(models / least) / Math.log(most / least)) * (plot.right - plot.left);
  const up = (value: number) => plot.bottom - (value / top) * (plot.bottom - plot.top);
  const parts = [svgText(x + 16, 28, title, 'head')];
  for (const share of [0, 0.5, 1]) {
    const y = up(top * share);
    parts.push(
      `<line class="grid" x1="${x + plot.left}" x2="${x + plot.right}" y1="${y}" y2="${y}"/>`,
      svgText(x + plot.left - 8, y + 4, rounded(top * share), '', 'end'),
    );
  }
  for (const count of counts)
    parts.push(svgText(across(count), plot.bottom + 20, count.toLocaleString('en'), '', 'middle'));
  const ends: { y: number; name: string; colour: string; x: number }[] = [];
  for (const [at, what] of commandsOf(lines).entries()) {
    const colour = colours[at % colours.length] ?? '#6e7781';
    const points = lines
      .filter((line) => line.what === what)
      .sort((one, other) => one.models - other.models)
      .map((line) => [across(line.models), up(value(line))] as const);
    const path = points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const [px, py] of points)
      parts.push(`<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="3" fill="${colour}"/>`);
    const last = points.at(-1);
    if (last) ends.push({ x: last[0], y: last[1], name: what, colour });
  }
  return [...parts, ...names(ends)];
}

/** The commands' names beside the ends of their lines, moved apart where these are close, and none below the plot. */
function names(ends: { y: number; name: string; colour: string; x: number }[]): string[] {
  const apart = 16;
  let free = plot.bottom + apart;
  return ends
    .sort((one, other) => other.y - one.y)
    .map(({ x, y, name, colour }) => {
      const at = Math.min(y, free - apart);
      free = at;
      return `<text x="${(x + 10).toFixed(1)}" y="${(at + 4).toFixed(1)}" style="fill:${colour}">${escapeXml(name)}</text>`;
    });
}

/** The page with tables between its markers. Fails if it has no markers. */
export function renderGrowth(page: string, lines: readonly Line[], large: readonly Line[]): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`write page: it has no ${begin} … ${end}`);
  const image = '![CPU time per model and memory, by the number of models](scale.svg)';
  const generated = [begin, image, growthTable(lines), commandTable(large)].join('\n\n');
  return `${page.slice(0, from)}${generated}\n\n${page.slice(to)}`;
}

/** Writes the tables into `performance.md` of a folder, and `scale.svg` next to it. */
export async function writeGrowth(
  folder: URL,
  lines: readonly Line[],
  large: readonly Line[],
): Promise<void> {
  const page = new URL('performance.md', folder);
  await writeFile(page, renderGrowth(await readFile(page, 'utf8'), lines, large));
  await writeFile(new URL('scale.svg', folder), growthChart(lines));
}

function cpuPerModel({ cpu, models }: Line): number {
  return (1000 * cpu) / models;
}

function countsOf(lines: readonly Line[]): number[] {
  return [...new Set(lines.map(({ models }) => models))].sort((one, other) => one - other);
}

function commandsOf(lines: readonly Line[]): string[] {
  return [...new Set(lines.map(({ what }) => what))];
}

function rounded(value: number): string {
  return value >= 10 ? value.toFixed(0) : value.toFixed(1);
}
