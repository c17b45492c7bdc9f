import { isMap, isScalar, isSeq, type Pair, parseDocument, stringify, type YAMLSeq } from 'yaml';
import { apply, type Edit, lineEnd, lineStart, mostValues, newLineBefore, sorted } from './edit-text.ts';
import { readYaml } from './yaml-document.ts';

/** The fields of a new entry of `models:`, in the order in which they are written. */
export interface NewModel {
  name: string;
  framework: string;
  source: string;
  include?: string[];
  /** Path below /models → URI of a single file. */
  files?: Record<string, string>;
  version?: string;
}

/** An entry as YAML, for messages and to insert it by hand. */
export function entryText(model: NewModel): string {
  return stringify([model], { lineWidth: 0 });
}

/**
 * The text of a models.yaml with one more entry at the end of `models:`. No other byte changes, except that an empty
 * `[]` goes: the text is edited instead of written anew from its values, so comments, order and layout stay. The result
 * is read again and compared. Undefined when the entry cannot be inserted that way: a list written as an alias, a map in
 * braces, a comment within `[]`.
 */
export function insertModel(text: string, model: NewModel): string | undefined {
  const before = readYaml(text, mostValues);
  if (before.mistakes.length > 0) return undefined;
  const root = before.value ?? {};
  if (typeof root !== 'object' || Array.isArray(root)) return undefined;
  const { models } = root as { models?: unknown };
  if (models !== undefined && models !== null && !Array.isArray(models)) return undefined;
  const expected = JSON.stringify(sorted({ ...root, models: [...(models ?? []), model] }));
  for (const edits of editsFor(text, model)) {
    const result = apply(text, edits);
    const after = readYaml(result, mostValues);
    if (after.mistakes.length === 0 && JSON.stringify(sorted(after.value)) === expected) return result;
  }
  return undefined;
}

/** Ways to insert the entry, best first: only one that leaves all other values as they were is used. */
function editsFor(text: string, model: NewModel): Edit[][] {
  const { contents } = parseDocument(text, { uniqueKeys: false });
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const lines = (indent: string, blank = false) =>
    (blank ? eol : '') +
    entryText(model)
      .trimEnd()
      .split('\n')
      .map((line) => indent + line + eol)
      .join('');
  const pair = isMap(contents)
    ? contents.items.find(({ key }) => isScalar(key) && key.value === 'models')
    : undefined;
  if (pair === undefined) {
    return [
      [{ at: text.length, added: `${newLineBefore(text, text.length, eol)}models:${eol}${lines('  ')}` }],
    ];
  }
  const { value } = pair;
  if (!isSeq(value)) {
    const at = lineEnd(text, keyEnd(pair));
    return [[{ at, added: newLineBefore(text, at, eol) + lines('  ') }]];
  }
  const [start = 0, end = 0] = value.range ?? [];
  if (value.flow === true && value.items.length === 0) {
    if (text.slice(start, end).includes('#')) return [];
    const line = lineStart(text, start);
    const from = line + text.slice(line, start).trimEnd().length;
    const at = lineEnd(text, end);
    return [
      [
        { at: from, removed: end - from, added: '' },
        { at, added: newLineBefore(text, at, eol) + lines('  ') },
      ],
    ];
  }
  const last = rangeOf(value, value.items.length - 1);
  if (value.flow === true) {
    const flow = JSON.stringify(model).replaceAll(/(?<=[{,[])"(\w+)":/g, '$1: ');
    return [[{ at: last.end, added: `, ${flow}` }]];
  }
  const indent = text.slice(lineStart(text, start), start);
  const spaced =
    value.items.length > 1 &&
    /\n[ \t]*\r?\n/.test(text.slice(rangeOf(value, value.items.length - 2).end - 1, last.start));
  const close = withOwnComments(text, lineEnd(text, last.end), indent.length);
  // A block scalar that keeps its blank lines (`|+`) would lose them: the second way is for that.
  const trimmed = lineEnd(text, text.slice(0, close).trimEnd().length);
  return [trimmed, close].map((at) => [{ at, added: newLineBefore(text, at, eol) + lines(indent, spaced) }]);
}

function rangeOf(list: YAMLSeq, index: number): { start: number; end: number } {
  const item = list.items[index];
  const [start = 0, end = 0] = (item as { range?: [number, number, number] | null }).range ?? [];
  return { start, end };
}

/** The offset behind a key. */
function keyEnd({ key }: Pair): number {
  return (key as { range?: [number, number, number] | null }).range?.[1] ?? 0;
}

/** The offset behind the comments that are indented further than the list's dashes: they belong to its last entry. */
function withOwnComments(text: string, offset: number, indent: number): number {
  const comments = /(?:[ \t]*\r?\n)*([ ]*)#[^\n]*(?:\n|$)/y;
  let end = offset;
  for (comments.lastIndex = end; ; comments.lastIndex = end) {
    const match = comments.exec(text);
    if (match === null || (match[1] ?? '').length <= indent) return end;
    end = comments.lastIndex;
  }
}
