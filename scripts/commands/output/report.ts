import type { Outcome } from '../../pipeline/types.ts';
import type { Colors } from '../../terminal/color.ts';
import { errorToJson, renderError } from '../../terminal/errors.ts';
import { type Column, formatTable } from '../../terminal/table.ts';
import { formatBytes } from '../../text/bytes.ts';
import { severities } from '../../trust/vulnerabilities/types.ts';
import type { CommandIO } from '../command.ts';
import type { Fields, OutcomesName } from './documents/index.ts';

/** The status of a model, as shown: a stopped one did not fail by itself. */
type Status = Outcome['status'] | 'stopped';

/** The fields that `report` fills in; `ok`: every model succeeded. */
type Reported = Pick<Fields<OutcomesName>, 'ok' | 'dryRun' | 'models'>;

/** An outcome in `--json` output: as in the pipeline, with the error as code, message and next step. */
export type OutcomeJson = Reported['models'][number];

/** A column of the closing table and its cells. */
export interface OutcomeColumn extends Column {
  cell(outcome: Outcome): string;
}

/** The available columns; a command selects those for which it has values. */
export const outcomeColumns = {
  name: { title: 'NAME', shrinkTo: 16, cut: 'start', cell: (outcome) => outcome.name ?? outcome.model },
  from: {
    title: 'FROM',
    shrinkTo: 8,
    cell: ({ from }) =>
      /[:@][^/]*$/
        .exec(from ?? '')?.[0]
        .slice(1)
        .replace(/@.*/, '') ?? '-',
  },
  base: { title: 'BASE', shrinkTo: 12, cut: 'start', cell: ({ base }) => base ?? '-' },
  digest: { title: 'DIGEST', shrinkTo: 14, cell: (outcome) => outcome.digest ?? '-' },
  size: { title: 'SIZE', align: 'right', cell: ({ size }) => (size === undefined ? '-' : formatBytes(size)) },
  sent: { title: 'SENT', align: 'right', cell: ({ sent }) => (sent === undefined ? '-' : formatBytes(sent)) },
  layers: { title: 'LAYERS', align: 'right', cell: ({ layers }) => String(layers ?? '-') },
  platforms: { title: 'PLATFORMS', shrinkTo: 11, cell: ({ platforms }) => platforms?.join(',') ?? '-' },
  signatures: { title: 'SIGNED', cell: ({ signatures }) => signed(signatures) },
  attestations: { title: 'ATTESTED', cell: ({ attestations }) => signed(attestations) },
  referrers: { title: 'REFERRERS', align: 'right', cell: ({ referrers }) => String(referrers ?? '-') },
  tags: { title: 'TAGS', shrinkTo: 8, cell: ({ tags }) => currentTags(tags).join(',') || '-' },
  registered: { title: 'REGISTERED', cell: ({ registered }) => registered?.version ?? '-' },
  scan: { title: 'VULNERABILITIES', cell: ({ scan }) => vulnerabilities(scan) },
  checks: {
    title: 'VERIFIED',
    cell: ({ checks }) => (checks === undefined ? '-' : `${countRules(checks)} rules hold`),
  },
} satisfies Record<string, OutcomeColumn>;

/**
 * Prints the closing table on stdout and the failures with their causes on stderr, or the single JSON document. Returns
 * the exit code: 1 when any model failed.
 */
export function report<N extends OutcomesName>(
  command: N,
  outcomes: Outcome[],
  columns: OutcomeColumn[],
  args: { json: boolean; dryRun?: boolean },
  io: CommandIO,
  more: Omit<Fields<N>, keyof Reported>,
): 0 | 1 {
  const failed = outcomes.filter(({ status }) => status === 'failed');
  const code = failed.length > 0 ? 1 : 0;
  io.progress.stop();
  if (args.json) {
    const models = outcomes.map((outcome) => outcomeToJson(outcome, io));
    const { dryRun = false } = args;
    const fields: Reported = { ok: code === 0, dryRun, ...more, models };
    // TypeScript does not add up the fields of a generic type: these and `more` are all of them.
    io.printJson(command, fields as unknown as Fields<N>);
    return code;
  }
  if (outcomes.length > 0) io.print(outcomeTable(outcomes, columns, io));
  for (const outcome of outcomes) tellTags(outcome, io);
  for (const { model, error, status } of failed) {
    if (!error || shownStatus({ model, error, status }) === 'stopped') continue;
    const { masker, debug, errorColors: colors } = io;
    io.note(`\n${renderError(error, { colors, masker, debug, subject: model })}`);
  }
  if (outcomes.length > 1 || code === 1) io.note(`\n${summary(outcomes)}`);
  return code;
}

function outcomeTable(outcomes: Outcome[], columns: OutcomeColumn[], io: CommandIO): string {
  const { colors, width } = io;
  const status: OutcomeColumn = {
    title: 'STATUS',
    cell: shownStatus,
    style: (shown, cell) => styleOf(cell as Status, colors)(shown),
  };
  const all = [...columns, status];
  const rows = outcomes.map((outcome) => all.map((column) => io.masker.mask(column.cell(outcome))));
  return formatTable(all, rows, { width, title: colors.bold });
}

function outcomeToJson(outcome: Outcome, io: CommandIO): OutcomeJson {
  const { error, ...rest } = outcome;
  return error ? { ...rest, error: errorToJson(error, io.masker) } : rest;
}

function shownStatus({ status, error }: Outcome): Status {
  return status === 'failed' && error?.code === 'cancelled' ? 'stopped' : status;
}

function styleOf(status: Status, colors: Colors): (text: string) => string {
  if (status === 'failed') return colors.red;
  if (status === 'done') return colors.green;
  return status === 'stopped' ? colors.yellow : colors.dim;
}

/** `2 done, 1 unchanged, 1 failed`. */
function summary(outcomes: Outcome[]): string {
  const counts = new Map<Status, number>();
  for (const outcome of outcomes)
    counts.set(shownStatus(outcome), (counts.get(shownStatus(outcome)) ?? 0) + 1);
  const order: Status[] = ['done', 'unchanged', 'planned', 'stopped', 'failed'];
  return order
    .flatMap((status) => (counts.has(status) ? [`${counts.get(status)} ${status}`] : []))
    .join(', ');
}

/** `2 high, 1 low`: the most in one of the images, since platforms mostly have the same. */
function vulnerabilities(scan: Outcome['scan']): string {
  if (scan === undefined) return '-';
  const cells = [...severities].reverse().flatMap((severity) => {
    const most = Math.max(...scan.images.map(({ counts }) => counts[severity] ?? 0));
    return most > 0 ? [`${most} ${severity}`] : [];
  });
  return cells.join(', ') || 'none known';
}

function currentTags(tags: Outcome['tags']): string[] {
  return (tags ?? []).filter(({ current }) => current).map(({ tag }) => tag);
}

function signed(signatures: Outcome['signatures']): string {
  if (signatures === undefined) return '-';
  return signatures.made > 0 ? 'now' : 'before';
}

function countRules(checks: NonNullable<Outcome['checks']>): number {
  return new Set(checks.map(({ rule }) => rule)).size;
}

/**
 * Reports the tags that a new image did not get, and why: the user expects them to have moved. Rejected tags have
 * already had a warning.
 */
function tellTags({ model, status, tags }: Outcome, io: CommandIO): void {
  if (status === 'unchanged') return;
  for (const { tag, current, why, refused } of tags ?? []) {
    if (!current && why && !refused) io.note(io.masker.mask(`${model}: tag ${tag} stays: ${why}`));
  }
}
