/** Edits of a YAML text that leave all other bytes as they are. */

/** Limit on the values of a catalog, as in load.ts. */
export const mostValues = 100_000;

/** An edit of a text: `removed` characters at `at` give way to `added`. */
export interface Edit {
  at: number;
  removed?: number;
  added: string;
}

/** The offset of the start of the line that an offset is on. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** The offset behind the line break of the line that an offset is on; the same offset at the start of a line. */
export function lineEnd(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const at = text.indexOf('\n', offset);
  return at === -1 ? text.length : at + 1;
}

/** A line break, unless the offset is at the start of a line. */
export function newLineBefore(text: string, offset: number, eol: string): string {
  return offset === 0 || text[offset - 1] === '\n' ? '' : eol;
}

/** The text after edits that are in order and do not overlap. */
export function apply(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { at, removed = 0, added } of edits.toReversed())
    result = result.slice(0, at) + added + result.slice(at + removed);
  return result;
}

/** A copy with sorted keys: the order of maps with merge keys (`<<`) is not that of the text. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, sorted(one)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
