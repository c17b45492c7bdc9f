import type { ModelReader } from '../model/types.ts';
import { type ByteSource, headOf } from './source.ts';

/** A file of a model; undefined where there is none. */
export function sourceFrom(files: ModelReader, path: string | undefined): ByteSource | undefined {
  const size = path === undefined ? undefined : files.size(path);
  if (path === undefined || size === undefined) return undefined;
  return { size, read: (offset, length) => files.read(path, offset, length) };
}

/** A JSON object of a model; an empty one where there is none, or a file of more than `longest` bytes. */
export async function jsonOf(
  files: ModelReader,
  path: string,
  longest: number,
): Promise<Record<string, unknown>> {
  const source = sourceFrom(files, path);
  if (source === undefined || source.size > longest) return {};
  try {
    const value: unknown = JSON.parse((await headOf(source, longest)).toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
