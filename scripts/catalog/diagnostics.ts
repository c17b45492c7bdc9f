import { type ErrorCode, ModelcarsError } from '../errors.ts';
import { displayPath } from '../text/paths.ts';

/** Line and column count from 1. */
export interface FilePosition {
  line: number;
  column: number;
}

/** One thing that is wrong in a file, and where. */
export interface Diagnostic extends FilePosition {
  text: string;
}

/** More than these in one file are counted, not told. */
const most = 20;

/** All mistakes of a file as one error, a line `file:line:column: text` each, in the file's order. */
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
