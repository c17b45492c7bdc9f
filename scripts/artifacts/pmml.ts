import { type ByteSource, headOf } from './source.ts';
import { type Column, mostColumns, plainNumbers } from './types.ts';

/** Bytes that are read: the dictionary and the schema come before the trees (PMML 4.4, "General Structure"). */
const mostRead = 1024 ** 2;
/** Values of a category that are kept. */
const mostValues = 2;

/** A tag without its brackets that is longer is none of the two elements that matter. */
const longestTag = 4096;

/** The columns of a PMML model, in the order of its schema. Undefined when the file does not say. */
export async function readPmml(source: ByteSource): Promise<Column[] | undefined> {
  const text = (await headOf(source, mostRead)).toString('utf8');
  const fields = new Map<string, { type: string; values: string[] }>();
  let field: { type: string; values: string[] } | undefined;
  let columns: Column[] | undefined;
  for (const tag of tagsOf(text)) {
    const name = attribute(tag, 'name') ?? '';
    if (/^DataField\b/.test(tag)) {
      field = { type: attribute(tag, 'dataType') ?? '', values: [] };
      fields.set(name, field);
    } else if (/^Value\b/.test(tag)) {
      if (
        (attribute(tag, 'property') ?? 'valid') === 'valid' &&
        (field?.values.length ?? mostValues) < mostValues
      )
        field?.values.push(attribute(tag, 'value') ?? '');
    } else if (tag === '/DataDictionary') field = undefined;
    else if (/^MiningSchema\b/.test(tag)) columns = [];
    // Of the model; those of its parts come later.
    else if (tag === '/MiningSchema') break;
    else if (columns !== undefined && /^MiningField\b/.test(tag)) {
      if ((attribute(tag, 'usageType') ?? 'active') !== 'active') continue;
      const known = fields.get(name);
      if (known === undefined || columns.length >= mostColumns) return undefined;
      columns.push({ name, values: valuesOf(known) });
    }
  }
  return columns?.length === 0 ? undefined : columns;
}

/** The tags of a text, without brackets; comments are left out. */
function* tagsOf(text: string): Generator<string> {
  for (let at = text.indexOf('<'); at !== -1; ) {
    const isComment = text.startsWith('<!--', at);
    const end = isComment ? text.indexOf('-->', at) : text.indexOf('>', at);
    if (end === -1) return;
    if (!isComment && end - at < longestTag) yield text.slice(at + 1, end);
    at = text.indexOf('<', end);
  }
}

function valuesOf({ type, values }: { type: string; values: string[] }): Column['values'] {
  const isNumber = /^(double|float|integer)$/.test(type);
  if (values.length > 0) return isNumber ? values.map(Number) : values;
  return isNumber ? plainNumbers : type === 'boolean' ? [true, false] : ['a', 'b'];
}

/** The value of an attribute. */
function attribute(tag: string, name: string): string | undefined {
  const [, quoted] = new RegExp(`\\s${name}\\s*=\\s*("[^"]*"|'[^']*')`).exec(tag) ?? [];
  return quoted === undefined ? undefined : unescaped(quoted.slice(1, -1));
}

function unescaped(text: string): string {
  const names: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
  return text.replaceAll(/&(\w+);/g, (whole, name: string) => names[name] ?? whole);
}
