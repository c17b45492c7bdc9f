import { expect, it } from 'vitest';
import { oneLine, safeLines, textWidth, truncate } from '../text/width.ts';
import { formatTable } from './table.ts';

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`;
const columns = [
  { title: 'NAME', shrinkTo: 6 },
  { title: 'DIGEST', shrinkTo: 12 },
  { title: 'SIZE', align: 'right' as const },
];

it('aligns left and right', () => {
  expect(
    formatTable(
      [{ title: 'NAME' }, { title: 'SIZE', align: 'right' }, { title: 'STATUS' }],
      [
        ['iris', '9 kB', 'done'],
        ['llama', '12 GB', 'failed'],
      ],
    ),
  ).toBe('NAME    SIZE  STATUS\niris    9 kB  done\nllama  12 GB  failed');
});

it('never cuts a digest without a terminal', () => {
  expect(formatTable(columns, [['a-rather-long-name', digest, '1 B']])).toContain(digest);
});

it('fits a terminal by cutting the widest column first, and no other', () => {
  const text = formatTable(columns, [['a-rather-long-name', digest, '123 kB']], { width: 60 });
  for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(60);
  expect(text).toContain('a-rather-long-name');
  expect(text).toContain('123 kB');
  expect(text).toMatch(/sha256:[0-9a-f]+…/);
});

it('stays unchanged when even the smallest columns do not fit', () => {
  expect(formatTable(columns, [['name', 'digest', '123 kB']], { width: 5 })).toContain('123 kB');
});

it('counts terminal columns, not code units', () => {
  expect(textWidth('模型')).toBe(4);
  expect(textWidth('é')).toBe(1);
  expect(textWidth('🚀')).toBe(2);
  expect(textWidth('👩‍🔬')).toBe(2);
  expect(textWidth('\x1b[31mred\x1b[39m')).toBe(3);
  const [head, first, second] = formatTable(
    [{ title: 'A' }, { title: 'B' }],
    [
      ['模型', 'x'],
      ['abcd', 'y'],
    ],
  ).split('\n');
  expect(head).toBe('A     B');
  expect(first).toBe('模型  x');
  expect(second).toBe('abcd  y');
});

it('cuts between graphemes', () => {
  expect(truncate('模型模型', 5)).toBe('模型…');
  expect(truncate('模型模型', 4)).toBe('模…');
  expect(truncate('abc', 3)).toBe('abc');
  expect(truncate('abcd', 3)).toBe('ab…');
  expect(truncate('quay.io/me/iris', 8, 'start')).toBe('…me/iris');
  expect(truncate('模型模型', 4, 'start')).toBe('…型');
});

it('removes control sequences from foreign text', () => {
  expect(oneLine('a\x1b[2Jb\r\nc\u202ed')).toBe('ab c d');
  expect(safeLines('a\x07\nb\x1b]0;title\x07c')).toBe('a \nbc');
  expect(formatTable([{ title: 'A' }], [['one\ntwo']])).toBe('A\none two');
});
