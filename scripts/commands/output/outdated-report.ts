import { lockCommand } from '../../catalog/lock-path.ts';
import type { Catalog } from '../../model/types.ts';
import type { ModelChange } from '../../pipeline/lock-changes.ts';
import type { Comparison } from '../../pipeline/outdated.ts';
import { errorToJson, renderError } from '../../terminal/errors.ts';
import { formatTable } from '../../terminal/table.ts';
import { formatBytes } from '../../text/bytes.ts';
import { oneLine } from '../../text/width.ts';
import type { CommandIO } from '../command.ts';
import { changeLines, short } from './lock-changes.ts';

/**
 * Prints the comparison of a lock with the newest revisions: a table, the changed files and bases, failures, and the
 * next step; or the single JSON document. Returns the exit code: 1 when any model failed.
 */
export function reportOutdated(
  compared: Comparison[],
  catalog: Catalog,
  { json }: { json: boolean },
  io: CommandIO,
): 0 | 1 {
  const { masker, debug, errorColors: colors } = io;
  const failed = compared.filter(({ status }) => status === 'failed');
  const code = failed.length > 0 ? 1 : 0;
  const next = nextSteps(compared, catalog);
  io.progress.stop();
  if (json) {
    const models = compared.map(({ error, ...rest }) =>
      error ? { ...rest, error: errorToJson(error, masker) } : rest,
    );
    io.printJson('outdated', { ok: code === 0, lockFile: catalog.lockFile, next, models });
    return code;
  }
  if (compared.length > 0) io.print(table(compared, io));
  for (const line of details(compared)) io.print(oneLine(masker.mask(line)));
  for (const { model, error } of failed)
    if (error) io.note(`\n${renderError(error, { colors, masker, debug, subject: model })}`);
  io.note(`\n${summary(compared)}`);
  for (const command of next) io.note(masker.mask(`next: run \`${command}\``));
  return code;
}

function table(compared: Comparison[], { colors, width, masker }: CommandIO): string {
  const columns = [
    { title: 'NAME', shrinkTo: 16 },
    { title: 'LOCKED' },
    {
      title: 'NEWEST',
      style: (shown: string, cell: string) => (cell === 'failed' ? colors.red(shown) : shown),
    },
    { title: 'FILES' },
    { title: 'SIZE', align: 'right' as const },
  ];
  const rows = compared.map((one) =>
    [
      one.model,
      lockedCell(one),
      newestCell(one),
      filesCell(one),
      one.size > 0 ? formatBytes(one.size) : '-',
    ].map((cell) => masker.mask(cell)),
  );
  return formatTable(columns, rows, { width, title: colors.bold });
}

function lockedCell({ status, locked }: Comparison): string {
  return status === 'not locked' ? status : locked === undefined ? '-' : short(locked);
}

function newestCell({ status, newest, fixed }: Comparison): string {
  if (status === 'failed') return status;
  return newest === undefined ? '-' : `${short(newest)}${fixed ? ' (fixed)' : ''}`;
}

/** `+1 ~2 -1`: added, changed and removed files; `base` when the base moved. */
function filesCell({ files, fields, bases }: Comparison): string {
  const count = (kind: string) => files.filter(({ change }) => change === kind).length;
  const counts = [
    ['+', count('added')],
    ['~', count('changed')],
    ['-', count('removed')],
  ] as const;
  const parts = counts.flatMap(([sign, n]) => (n > 0 ? [`${sign}${n}`] : []));
  return [...parts, ...fields, ...(bases.length > 0 ? ['base'] : [])].join(' ') || '-';
}

/** What differs, in the form of `lock --dry-run`; each base once, although several models use it. */
function details(compared: Comparison[]): string[] {
  const outdated = compared.filter(({ status }) => status === 'outdated');
  const models = outdated
    .filter(({ files, fields, locked, newest }) => locked !== newest || files.length + fields.length > 0)
    .map(({ model, locked = '', newest = '', size, files, fields }): ModelChange => {
      return { model, change: 'changed', from: locked, to: newest, size, files, fields };
    });
  const bases = new Map(
    outdated.flatMap(({ bases }) => bases).map((base) => [`${base.base} ${base.platform}`, base]),
  );
  return changeLines({ models, bases: [...bases.values()] });
}

function summary(compared: Comparison[]): string {
  const order: Comparison['status'][] = ['up to date', 'outdated', 'not locked', 'failed'];
  const counts = order.map((status) => [compared.filter((one) => one.status === status).length, status]);
  return counts.flatMap(([count, status]) => (count === 0 ? [] : [`${count} ${status}`])).join(', ');
}

/** The commands that bring the models up to date. */
function nextSteps(compared: Comparison[], catalog: Catalog): string[] {
  const of = (status: Comparison['status'], ...words: string[]) => {
    const names = compared.filter((one) => one.status === status).map(({ model }) => model);
    if (names.length === 0) return [];
    return [lockCommand(catalog, [...words, ...(names.length < catalog.models.length ? names : [])])];
  };
  return [...of('outdated', '--upgrade'), ...of('not locked')];
}
