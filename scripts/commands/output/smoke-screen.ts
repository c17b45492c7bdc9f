import type { Diagnosis, SmokeResult } from '../../kserve/types.ts';
import { formatTable } from '../../terminal/table.ts';
import { oneLine, textWidth } from '../../text/width.ts';
import type { CommandIO } from '../command.ts';

/** Models with at least one pass and no failure: skipping alone proves nothing. */
export function provenModels(results: readonly SmokeResult[]): Set<string> {
  const passed = new Set(results.filter(({ status }) => status === 'passed').map(({ model }) => model));
  for (const { model, status } of results) if (status === 'failed') passed.delete(model);
  return passed;
}

/** The closing table on stdout, then one screen per failure on stderr. */
export function printResults(results: readonly SmokeResult[], io: CommandIO): void {
  const { print, note, colors, width, masker } = io;
  if (results.length === 0) return;
  const paint = { passed: colors.green, failed: colors.red, skipped: colors.yellow };
  const columns = [
    { title: 'MODEL', shrinkTo: 16, cut: 'start' as const },
    { title: 'MODE' },
    { title: 'AS' },
    { title: 'SECONDS', align: 'right' as const },
    { title: 'RESULT', style: (shown: string, cell: string) => paint[cell as SmokeResult['status']](shown) },
    { title: 'WHY', shrinkTo: 20 },
  ];
  const rows = results.map(({ model, mode, security, seconds, status, reason, diagnosis }) =>
    [
      model,
      mode,
      security,
      status === 'skipped' ? '-' : seconds.toFixed(1),
      status,
      reason ?? shortly(diagnosis),
    ].map((cell) => masker.mask(cell)),
  );
  print(formatTable(columns, rows, { width, title: colors.bold }));
  for (const alike of groupAlike(results)) note(`\n${screen(alike, io)}`);
}

/** For a table cell: the stage, and the cause or the observation. */
function shortly(diagnosis: Diagnosis | undefined): string {
  if (diagnosis === undefined) return '';
  const { stage, what, cause, got } = diagnosis;
  const seen = what.replace(/^POST \S+: /, '');
  return `${stage}: ${got === undefined ? (cause ?? seen) : seen}`;
}

/** Groups a model's failures by cause: one cause gets one screen. */
function groupAlike(results: readonly SmokeResult[]): SmokeResult[][] {
  const groups = new Map<string, SmokeResult[]>();
  for (const result of results) {
    if (result.status !== 'failed') continue;
    const { stage, cause, what, got } = result.diagnosis ?? {};
    const key = JSON.stringify([result.model, stage, cause ?? what, got]);
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()];
}

/** Why a model does not serve, on one screen. Text from the cluster is hostile: it is escaped and masked. */
function screen(alike: SmokeResult[], { errorColors: colors, masker, width }: CommandIO): string {
  const clean = (text: string) => oneLine(masker.mask(text));
  const [result] = alike;
  if (result === undefined) return '';
  const { model, diagnosis } = result;
  const ways = alike.map(({ mode, security }) => `${mode} as ${security}`).join(', ');
  const head = `${colors.bold(colors.red('failed:'))} ${colors.bold(clean(model))} by ${ways}`;
  if (diagnosis === undefined) return `${head}: ${clean(result.reason ?? 'no reason was given')}`;
  const { stage, what, cause, fix, expected, got, events, container, logs } = diagnosis;
  const field = (name: string, text: string) =>
    hang(`  ${name.padEnd(8)} `, clean(text), width).replace(name, colors.bold(name));
  const block = (title: string, lines: string[]) =>
    lines.length === 0
      ? []
      : [`  ${colors.bold(title)}`, ...lines.map((line) => colors.dim(`    ${clean(line)}`))];
  return [
    `${head}, at stage ${colors.bold(stage)}`,
    field('seen', what),
    ...(expected === undefined || got === undefined
      ? []
      : [
          field('expected', expected.join(' ')),
          `  ${colors.bold('got')}      ${beside(expected, got, colors.red)}`,
        ]),
    ...(cause === undefined ? [] : [field('likely', cause)]),
    ...(fix === undefined ? [] : [field('fix', fix)]),
    ...block('events', events),
    ...block(`log of ${clean(container ?? 'the server')}`, logs),
  ].join('\n');
}

/** Text after a title, broken at blanks, with each line indented to the first word; unbroken without a terminal. */
function hang(title: string, text: string, width: number | undefined): string {
  if (width === undefined) return title + text;
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && textWidth(title) + textWidth(longer) > width - 1) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return title + [...lines, line].join(`\n${' '.repeat(textWidth(title))}`);
}

/** The values received, the wrong ones marked. */
function beside(expected: number[], got: number[], mark: (text: string) => string): string {
  return got.map((one, row) => (one === expected[row] ? String(one) : mark(String(one)))).join(' ');
}

/** `3 passed, 1 failed`. */
export function countResults(results: readonly SmokeResult[]): string {
  const words = (['passed', 'skipped', 'failed'] as const).flatMap((status) => {
    const count = results.filter((one) => one.status === status).length;
    return count === 0 ? [] : [`${count} ${status}`];
  });
  return words.join(', ') || 'nothing to smoke';
}
