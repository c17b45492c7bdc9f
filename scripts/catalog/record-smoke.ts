import { isAlias, isMap, isScalar, isSeq, type Pair, parse, parseDocument, type YAMLMap } from 'yaml';
import type { ModelSmoke } from '../model/types.ts';
import { apply, type Edit, lineEnd, lineStart, mostValues, newLineBefore, sorted } from './edit-text.ts';
import { readYaml } from './yaml-document.ts';

/** Longest line for which a map or list stays on one line. */
const widest = 110;

/**
 * The text of a models.yaml in which a model has this `smoke:`. Of one that is there only `expect` is written; no other
 * byte changes. The result is read again and compared. Undefined when the text cannot be edited that way: an entry that
 * is an alias, an anchor in the old `expect` that is used elsewhere.
 */
export function recordSmoke(text: string, name: string, smoke: ModelSmoke): string | undefined {
  const before = readYaml(text, mostValues);
  const { models } = (before.value ?? {}) as { models?: unknown };
  if (before.mistakes.length > 0 || !Array.isArray(models)) return undefined;
  const index = models.findIndex((model: unknown) => (model as { name?: unknown } | null)?.name === name);
  const entry: unknown = models[index];
  const { contents } = parseDocument(text, { uniqueKeys: false });
  const list = isMap(contents) ? contents.get('models') : undefined;
  const item = isSeq(list) ? list.items[index] : undefined;
  if (!isMap(item) || typeof entry !== 'object') return undefined;
  const wanted = models.with(index, { ...entry, smoke });
  const result = apply(text, [editFor(text, item, smoke)]);
  const after = readYaml(result, mostValues);
  const same =
    JSON.stringify(sorted(after.value)) ===
    JSON.stringify(sorted({ ...(before.value as object), models: wanted }));
  return after.mistakes.length === 0 && same ? result : undefined;
}

function editFor(text: string, item: YAMLMap, smoke: ModelSmoke): Edit {
  const own = pairOf(item, 'smoke');
  if (own === undefined) return append(text, item, 'smoke', smoke);
  if (!isMap(own.value)) return replace(text, item, own, 'smoke', smoke);
  const old = pairOf(own.value, 'expect');
  return old === undefined
    ? append(text, own.value, 'expect', smoke.expect)
    : replace(text, own.value, old, 'expect', smoke.expect);
}

function pairOf(map: YAMLMap, name: string): Pair | undefined {
  return map.items.find(({ key }) => isScalar(key) && key.value === name);
}

function append(text: string, map: YAMLMap, key: string, value: unknown): Edit {
  const last = map.items.at(-1);
  const end = last === undefined ? 0 : pairEnd(last);
  if (map.flow === true) return { at: end, added: `, ${inline(key, value)}` };
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const at = lineEnd(text, end);
  const added = lines(key, value, indentOf(text, map)).map((line) => line + eol);
  return { at, added: newLineBefore(text, at, eol) + added.join('') };
}

function replace(text: string, map: YAMLMap, pair: Pair, key: string, value: unknown): Edit {
  const at = rangeOf(pair.key)[0];
  const removed = text.slice(at, pairEnd(pair)).trimEnd().length;
  if (map.flow === true) return { at, removed, added: inline(key, value) };
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  return { at, removed, added: lines(key, value, indentOf(text, map)).join(eol).trimStart() };
}

/** The blanks before the keys of a block map, whose first key can follow a dash. */
function indentOf(text: string, map: YAMLMap): string {
  const [start] = rangeOf(map.items[0]?.key);
  return text.slice(lineStart(text, start), start).replaceAll(/[^ ]/g, ' ');
}

/** A key with its value, on one line where that fits. */
function lines(key: string, value: unknown, indent: string): string[] {
  const line = indent + inline(key, value);
  if (line.length <= widest || typeof value !== 'object' || value === null) return [line];
  if (!Array.isArray(value)) {
    const fields = Object.entries(value).flatMap(([field, one]) => lines(field, one, `${indent}  `));
    return [`${indent}${flow(key)}:`, ...fields];
  }
  if (!value.some((one) => typeof one === 'object' && one !== null)) return [line];
  return [`${indent}${flow(key)}:`, ...value.map((one) => `${indent}  - ${flow(one)}`)];
}

/** `key: value` in YAML's flow style. */
function inline(key: string, value: unknown): string {
  return `${flow(key)}: ${flow(value)}`;
}

/** On one line, unlike the texts of a YAML library, which fold long and multi-line texts. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, one]) => one !== undefined);
    return `{${fields.map(([key, one]) => inline(key, one)).join(', ')}}`;
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  if (/^[A-Za-z_][\w./ -]*$/.test(value) && value.trim() === value && parse(value) === value) return value;
  return /^[\x20-\x7e]+$/.test(value) ? `'${value.replaceAll("'", "''")}'` : JSON.stringify(value);
}

function pairEnd({ key, value }: Pair): number {
  return value === null || value === undefined ? rangeOf(key)[1] : endOf(value);
}

/** The offset behind the last character of a node: the range of a block also has the comments after it. */
function endOf(node: unknown): number {
  if (!isAlias(node) && (isMap(node) || isSeq(node)) && node.flow !== true) {
    const last: unknown = node.items.at(-1);
    if (last !== undefined) return isMap(node) ? pairEnd(last as Pair) : endOf(last);
  }
  return rangeOf(node)[1];
}

function rangeOf(node: unknown): [number, number] {
  const [start = 0, end = 0] = (node as { range?: [number, number, number] | null } | null)?.range ?? [];
  return [start, end];
}
