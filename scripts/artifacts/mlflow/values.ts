import type { ModelReader } from '../../model/types.ts';

/** Parsed JSON or YAML, hostile. */
export type Fields = Record<string, unknown>;

/** Bytes of a text file that is read: MLflow writes the columns of a table into MLmodel, and a few rows into examples. */
const longest = 4 * 1024 ** 2;

/** A text file of a model; undefined where there is none, or one too long. */
export async function textOf(files: ModelReader, path: string): Promise<string | undefined> {
  const size = files.size(path);
  if (size === undefined || size > longest) return undefined;
  return new TextDecoder().decode(await files.read(path, 0, size));
}

/** A JSON text's value; undefined where it is none. */
export function parsedOf(text: unknown): unknown {
  if (typeof text !== 'string' || text.length > longest) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An object's own fields; none of anything else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** A list's items; none of anything else. */
export function itemsOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text; undefined for anything else, and an empty one. */
export function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
