import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { type ErrorCode, ModelcarsError } from '../errors.ts';
import { displayPath } from '../text/paths.ts';
import { diagnosticsError } from './diagnostics.ts';

/** Limits and errors for one kind of file. */
export interface ReadOptions {
  code: ErrorCode;
  /** Bytes. */
  mostBytes: number;
  /** Next step when the file cannot be read. */
  next: string;
}

/** The text of a YAML file; undefined when it does not exist. Fails when it is not UTF-8 or too large. */
export async function readText(file: string, options: ReadOptions): Promise<string | undefined> {
  const { code, mostBytes, next } = options;
  const shown = displayPath(file);
  const fail = (problem: string, cause?: unknown) =>
    new ModelcarsError(code, `read ${shown}: ${problem}`, { next, cause });
  if (file.includes('\0')) throw fail('the name holds a NUL character');
  try {
    const stats = await stat(file);
    if (stats.isDirectory()) throw fail('it is a folder, not a file');
    if (!stats.isFile()) throw fail('it is not a regular file');
    if (stats.size > mostBytes) throw fail(`it has ${stats.size} bytes; at most ${mostBytes} are read`);
    const bytes = await readFile(file);
    if (!isUtf8(bytes)) throw notUtf8(file, bytes, options);
    return bytes.toString('utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof ModelcarsError) throw error;
    const cause = error instanceof Error && 'code' in error ? error.code : undefined;
    if (cause === 'ENOENT') return undefined;
    if (cause === 'EACCES' || cause === 'EPERM') throw fail('permission denied', error);
    if (cause === 'ENOTDIR') throw fail('a part of the path is a file, not a folder', error);
    if (cause === 'ELOOP') throw fail('its symbolic links go in a circle', error);
    if (cause === 'ENAMETOOLONG') throw fail('the name is too long', error);
    throw fail(`the system says ${String(cause ?? error)}`, error);
  }
}

/** Line (from 1) of the first merge-conflict marker that git left in a text; undefined without one. */
export function conflictLine(text: string): number | undefined {
  const marker = /^(?:<{7}|>{7})(?: |$)|^={7}$/m.exec(text);
  return marker ? text.slice(0, marker.index).split('\n').length : undefined;
}

function notUtf8(file: string, bytes: Buffer, { code, next }: ReadOptions): ModelcarsError {
  let line = 1;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, start);
    const text = bytes.subarray(start, end === -1 ? bytes.length : end);
    if (!isUtf8(text) || end === -1) {
      const column = Math.max(0, text.toString('utf8').indexOf('\uFFFD')) + 1;
      return diagnosticsError(
        code,
        file,
        [{ line, column, text: 'not UTF-8; save the file as UTF-8' }],
        next,
      );
    }
    line += 1;
    start = end + 1;
  }
}
