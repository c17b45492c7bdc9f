/** Results as Markdown. */
import { formatBytes } from '../scripts/text/bytes.ts';
import { medians, type Result, type Row, ratio } from './results.ts';
import type { Sample } from './types.ts';

interface Column {
  title: string;
  cell(sample: Sample): string;
}

const bytes = (value: number | undefined): string => (value === undefined ? '–' : formatBytes(value));
const seconds = (value: number | undefined): string => formatSeconds(value ?? Number.NaN);

const timed: Column[] = [
  { title: 'CPU', cell: ({ cpu }) => seconds(cpu) },
  { title: "registry's CPU", cell: ({ registryCpu }) => seconds(registryCpu) },
  { title: 'largest process', cell: ({ peak }) => bytes(peak) },
  { title: 'all processes', cell: ({ treePeak }) => bytes(treePeak) },
  { title: 'written', cell: ({ written }) => bytes(written) },
  { title: 'left on disk', cell: ({ kept }) => bytes(kept) },
];

const watched: Column = { title: 'most on disk', cell: ({ peakDisk }) => bytes(peakDisk) };

const counted: Column[] = [
  { title: 'requests', cell: ({ requests }) => `${requests ?? '–'}` },
  { title: 'sent', cell: ({ sent }) => bytes(sent) },
];

/** Of cold starts: when each phase ended, and what the node and the source spent. */
const phases: Column[] = [
  { title: 'pod exists', cell: ({ created }) => seconds(created) },
  { title: 'model is there', cell: ({ started }) => seconds(started) },
  { title: 'pod is ready', cell: ({ ready }) => seconds(ready) },
  { title: "node's CPU", cell: ({ cpu }) => seconds(cpu) },
  { title: "source's CPU", cell: ({ registryCpu }) => seconds(registryCpu) },
  { title: 'more on disk', cell: ({ kept }) => bytes(kept) },
];

/** A heading, a table of medians with one row per tool, how it was measured, and any errors. */
export function resultSection(result: Result): string {
  const columns = columnsOf(result);
  const titles = ['', 'time', 'ratio', ...columns.map(({ title }) => title)];
  const lines = [
    `### ${result.title}`,
    '',
    row(titles),
    `|---|${'---:|'.repeat(titles.length - 1)}`,
    ...result.rows.filter(({ samples }) => samples.length > 0).map((one) => tableRow(result, one, columns)),
    '',
    `${formatBytes(result.bytes)} of model. \`${result.command}\`, ${runs(result)}, ${result.date}.`,
  ];
  for (const { title, error, leftOut } of result.rows) {
    if (error !== undefined) lines.push('', `${title} did not finish: ${error}`);
    if (leftOut !== undefined) lines.push('', `${title} is left out: ${leftOut}`);
  }
  return lines.join('\n');
}

function columnsOf({ rows }: Result): Column[] {
  const has = (key: keyof Sample): boolean => rows.some(({ samples }) => samples[0]?.[key] !== undefined);
  if (has('started')) return phases;
  const all = has('peakDisk') ? [...timed.slice(0, -1), watched, ...timed.slice(-1)] : timed;
  return has('requests') ? [...all.slice(0, 1), ...counted, ...all.slice(1)] : all;
}

/**
 * The machine and the programs, as lists; with several results, only the differences between them are listed per work.
 */
export function surroundings(results: readonly Result[]): string {
  const machines = new Map<string, string[]>();
  for (const { work, machine } of results) {
    const text = Object.entries(machine)
      .map(([what, value]) => `- ${what}: ${value}`)
      .join('\n');
    machines.set(text, [...(machines.get(text) ?? []), work]);
  }
  const parts = [...machines].map(([text, works]) =>
    machines.size === 1 ? text : `${works.join(', ')}:\n\n${text}`,
  );
  const versions = new Map(
    results.flatMap(({ rows }) => rows.flatMap((one) => Object.entries(one.versions))),
  );
  const programs = [...versions].sort().map(([program, version]) => `${program} ${version}`);
  return [...parts, `- programs: ${programs.join(', ')}`].join(machines.size === 1 ? '\n' : '\n\n');
}

/** `0.43 s`, `12.3 s`, `4.1 min`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds >= 600) return `${(seconds / 60).toFixed(1)} min`;
  return `${seconds.toFixed(seconds < 9.995 ? 2 : seconds < 99.95 ? 1 : 0)} s`;
}

/** `1×`, `0.93×`, `12×`. */
export function formatRatio(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return `${value.toFixed(value < 9.95 ? 2 : value < 99.5 ? 1 : 0)}×`;
}

function tableRow(result: Result, one: Row, columns: Column[]): string {
  const sample = medians(one);
  if (sample === undefined) return row([one.title]);
  const own = one === result.rows[0];
  const first = own ? `**${one.title}**` : one.title;
  const cells = columns.map((column) => column.cell(sample));
  return row([first, formatSeconds(sample.wall), own ? '1×' : formatRatio(ratio(result, one)), ...cells]);
}

function row(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function runs({ rows }: Result): string {
  const counts = rows.map(({ samples }) => samples.length).filter((count) => count > 0);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (counts.length === 0) return 'no run';
  return least === most ? `median of ${most} interleaved` : `medians of ${least} to ${most} interleaved`;
}
