import { stripVTControlCharacters } from 'node:util';

let segmenter: Intl.Segmenter | undefined;
/** Scripts and forms that take two columns: Unicode UAX #11 classes W and F, as far as names use them. */
const wide =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;
const emoji = /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|\p{Regional_Indicator}{2})/u;
const nothing = /^[\p{Control}\p{Format}\p{Mark}]+$/u;

/** Created on first use: creation takes a tenth of a short run, and few texts need it. */
function graphemesOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return segmenter.segment(text);
}

/** Columns one grapheme takes on a terminal: 0, 1 or 2. */
function graphemeWidth(grapheme: string): number {
  if (nothing.test(grapheme)) return 0;
  return wide.test(grapheme) || emoji.test(grapheme) ? 2 : 1;
}

/** Columns a text takes on a terminal; escape sequences take none. */
export function textWidth(text: string): number {
  const plain = stripVTControlCharacters(text);
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of graphemesOf(plain)) width += graphemeWidth(segment);
  return width;
}

/** Truncates a text to `width` columns, with an ellipsis at its end or its start. No escape sequences. */
export function truncate(text: string, width: number, cut: 'start' | 'end' = 'end'): string {
  if (textWidth(text) <= width) return text;
  if (width < 1) return '';
  const segments = Array.from(graphemesOf(text), ({ segment }) => segment);
  if (cut === 'start') segments.reverse();
  const kept: string[] = [];
  let columns = 0;
  for (const segment of segments) {
    columns += graphemeWidth(segment);
    if (columns > width - 1) break;
    kept.push(segment);
  }
  return cut === 'start' ? `…${kept.reverse().join('')}` : `${kept.join('')}…`;
}

/**
 * Makes one line of outside text safe to print: escape sequences and control characters from a hub, a registry or YAML
 * must not control the user's terminal.
 */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Control}\p{Bidi_Control}\u2028\u2029]+/gu, ' ');
}

/** Like `oneLine` for several lines: newlines stay. */
export function safeLines(text: string): string {
  return text.split(/\r?\n/).map(oneLine).join('\n');
}
