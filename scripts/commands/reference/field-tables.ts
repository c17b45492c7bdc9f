import { anyFailureSchema, documentNames, documentSchema, type JsonSchema } from './json-schemas.ts';
import { table } from './markdown.ts';

/** The fields of the heading, which the page explains once. */
const heading = ['schemaVersion', 'command', 'ok'];

/** The sections of docs/reference/json.md that list every field: one per command, one per part that they share. */
export function fieldTables(): string {
  const parts = new Map<string, JsonSchema>();
  const section = (title: string, schema: JsonSchema, skipped: string[] = []) => {
    for (const [name, part] of Object.entries(schema.$defs ?? {})) parts.set(name, part);
    return `${title}\n\n${table(['field', 'type', 'meaning'], rows(schema, '', skipped))}`;
  };
  const commands = documentNames.map((name) => section(`### ${name}`, documentSchema(name), heading));
  const failure = section('### A failure', anyFailureSchema(), heading);
  const shared = [...parts].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    '## Commands',
    ...commands,
    failure,
    '## Parts',
    ...shared.map(([name, part]) => section(`### ${name}`, part)),
  ].join('\n\n');
}

function rows(schema: JsonSchema, prefix = '', skipped: string[] = []): string[][] {
  const { properties = {}, required = [] } = schema;
  return Object.entries(properties).flatMap(([name, field]) => {
    if (skipped.includes(name)) return [];
    const path = `${prefix}${name}`;
    const optional = required.includes(name) ? '' : ', optional';
    const own = [
      `\`${path}\``,
      typeOf(field) + optional,
      field.description ?? field.items?.description ?? '',
    ];
    const inner = field.items ?? field;
    return [own, ...rows(inner, `${path}${field.items ? '[]' : ''}.`)];
  });
}

/** A type for people: `string`, `list of [Tag](#tag)`, `done` or `failed`. */
function typeOf({
  $ref,
  type,
  items,
  anyOf,
  const: only,
  enum: choices,
  additionalProperties,
}: JsonSchema): string {
  if ($ref !== undefined) {
    const name = $ref.replace(/^.*\//, '');
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (choices !== undefined) return choices.map((choice) => `\`${choice}\``).join(', ');
  if (anyOf !== undefined) return anyOf.map(typeOf).join(' or ');
  if (items !== undefined) return `list of ${typeOf(items)}`;
  if (
    typeof additionalProperties === 'object' &&
    type === 'object' &&
    additionalProperties.type !== undefined
  )
    return `map of ${typeOf(additionalProperties)}`;
  return String(type);
}
