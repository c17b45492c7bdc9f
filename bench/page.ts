/** Writes results into a page, between its markers, and the chart next to it: pushes into one, pulls into another. */
import { readFile, writeFile } from 'node:fs/promises';
import { chart } from './chart.ts';
import { resultSection, surroundings } from './report.ts';
import type { Result } from './results.ts';
import { targetTable } from './targets.ts';

const begin = '<!-- bench: written by `npm run bench -- --write` -->';
const end = '<!-- bench: end -->';

/** The page with its generated part renewed. Fails if it has no markers. */
export function renderPage(page: string, results: readonly Result[], chartFile: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to < from) throw new Error(`write page: it has no ${begin} … ${end}`);
  const generated = [
    begin,
    `![Time of each tool for each work](${chartFile})`,
    targetTable(results),
    ...results.map(resultSection),
    `### Measured on\n\n${surroundings(results)}`,
  ].join('\n\n');
  return `${page.slice(0, from)}${generated}\n\n${page.slice(to)}`;
}

/** Writes `performance.md` and `performance.svg` in a folder; without results, neither. */
export async function writePage(folder: URL, results: readonly Result[]): Promise<void> {
  if (results.length === 0) return;
  const page = new URL('performance.md', folder);
  await writeFile(page, renderPage(await readFile(page, 'utf8'), results, 'performance.svg'));
  await writeFile(new URL('performance.svg', folder), chart(results));
}
