import { type ErrorCode, ModelcarsError } from '../errors.ts';
import { displayPath } from '../text/paths.ts';

/** Line and column count from 1. */
export interface FilePosition {
  line: number;
  column: number;
}

/** One mistake in a file, and its position. */
export interface Diagnostic extends FilePosition {
  text: string;
}

/** Limit on the mistakes shown per file; the rest are counted. */
const most = 20;

/** All mistakes of a file as one error, one line `file:line:column: text` per mistake, in file order. */
export function diagnosticsError(
  code: ErrorCode,
  file: string,
  mistakes: readonly Diagnostic[],
  next: string,
): ModelcarsError {
  const shown = displayPath(file);
  const lines = mistakes
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, text }) => `${shown}:${line}:${column}: ${text}`);
  const unique = [...new Set(lines)];
  if (unique.length === 1) return new ModelcarsError(code, unique.join(''), { next });
  const rest = unique.length - most;
  return new ModelcarsError(
    code,
    [
      `read ${shown}: ${unique.length} mistakes`,
      ...unique.slice(0, most),
      ...(rest > 0 ? [`… and ${rest} more`] : []),
    ].join('\n'),
    { next },
  );
}
