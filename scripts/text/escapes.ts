/** A text with its escapes decoded, and the original position of each of its characters (UTF-16 units). */
export interface Unescaped {
  text: string;
  /** Original position of unit `i`, plus one entry for the end. */
  starts: Uint32Array;
}

const escapes =
  /%[0-9a-f]{2}(?:%[0-9a-f]{2})*|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\["'\\/bfnrt]|&(?:#\d{1,7}|#x[0-9a-f]{1,6}|amp|lt|gt|quot|apos);/gi;
const named: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const short: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/**
 * Decodes one layer of percent-encoding (RFC 3986), of JSON's and JavaScript's backslashes and of HTML's character
 * references; undefined when the text has none. Used to search a text however it is written: anything that is not an
 * escape stays.
 */
export function undoEscapes(text: string): Unescaped | undefined {
  const parts: string[] = [];
  const starts: number[] = [];
  let at = 0;
  const copy = (end: number): void => {
    parts.push(text.slice(at, end));
    for (; at < end; at++) starts.push(at);
  };
  for (const match of text.matchAll(escapes)) {
    copy(match.index);
    for (const [piece, length] of decode(match[0])) {
      parts.push(piece);
      for (let unit = 0; unit < piece.length; unit++) starts.push(at);
      at += length;
    }
  }
  if (parts.length === 0) return undefined;
  copy(text.length);
  starts.push(text.length);
  return { text: parts.join(''), starts: Uint32Array.from(starts) };
}

/** The decoded parts of an escape, each with the number of units it was written in. */
function decode(written: string): [piece: string, length: number][] {
  if (written.startsWith('%')) return decodePercent(written);
  const length = written.length;
  if (written.startsWith('\\')) {
    const kind = written[1] ?? '';
    if (/[ux]/i.test(kind)) return [[String.fromCharCode(Number.parseInt(written.slice(2), 16)), length]];
    return [[short[kind] ?? kind, length]];
  }
  const [, hex, decimal] = /^&#(?:x([0-9a-f]+)|(\d+));$/i.exec(written) ?? [];
  if (hex === undefined && decimal === undefined)
    return [[named[written.slice(1, -1).toLowerCase()] ?? written, length]];
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return [[code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd', length]];
}

/** The characters of a run of `%XX`: UTF-8; invalid bytes one at a time. */
function decodePercent(run: string): [string, number][] {
  const bytes = Buffer.from(run.replaceAll('%', ''), 'hex');
  const pieces: [string, number][] = [];
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0;
    const wanted = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const text = bytes.toString('utf8', at, at + wanted);
    const whole = !text.includes('\ufffd') && at + wanted <= bytes.length;
    pieces.push(whole ? [text, 3 * wanted] : [String.fromCharCode(lead), 3]);
    at += whole ? wanted : 1;
  }
  return pieces;
}
