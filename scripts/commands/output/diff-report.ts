import type { DiffResult } from '../../pipeline/diff/diff.ts';
import { formatTable } from '../../terminal/table.ts';
import { formatBytes } from '../../text/bytes.ts';
import { oneLine } from '../../text/width.ts';
import type { CommandIO } from '../command.ts';

/** Prints the difference between two images: one line first, then the files, then everything else. */
export function printDiff(
  result: DiffResult,
  io: Pick<CommandIO, 'print' | 'colors' | 'masker' | 'width'>,
): void {
  const { print, colors, masker, width } = io;
  const clean = (text: string) => oneLine(masker.mask(text));
  const { from, to, files, sameFiles, size } = result;
  print(colors.bold(clean(result.summary)));
  print(`from  ${clean(from.name)}  ${from.digest}`);
  print(`to    ${clean(to.name)}  ${to.digest}`);
  if (files.length > 0) {
    const rows = files.map((file) => [
      file.change,
      clean(file.path),
      file.kind,
      file.from === undefined ? '-' : formatBytes(file.from),
      file.to === undefined ? '-' : formatBytes(file.to),
    ]);
    const columns = [
      { title: 'CHANGE' },
      { title: 'FILE', shrinkTo: 20, cut: 'start' as const },
      { title: 'KIND' },
      { title: 'FROM', align: 'right' as const },
      { title: 'TO', align: 'right' as const },
    ];
    print(`\n${formatTable(columns, rows, { width, title: colors.bold })}`);
  }
  print('');
  const line = (label: string, text: string) => print(`${colors.dim(label.padEnd(11))} ${clean(text)}`);
  const sizes =
    size.from === size.to ? formatBytes(size.to) : `${formatBytes(size.from)} → ${formatBytes(size.to)}`;
  line('files', `${sameFiles} the same, ${sizes} in all`);
  for (const { digest, size: bytes } of result.unread)
    line('unread', `${digest} (${formatBytes(bytes)}) does not list its files`);
  if (result.base.length === 0) line('base', 'the same');
  for (const change of result.base) line('base', text(change));
  const { added, removed } = result.platforms;
  const platforms = [...added.map((one) => `+ ${one}`), ...removed.map((one) => `- ${one}`)];
  line('platforms', platforms.join(', ') || 'the same');
  if (result.config.length === 0) line('config', 'the same');
  for (const change of result.config) line('config', text(change));
  for (const change of result.annotations) line('annotation', text(change));
}

function text({ key, from, to }: DiffResult['annotations'][number]): string {
  return `${key}: ${from ?? '-'} → ${to ?? '-'}`;
}
