import { readFile, stat } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import { displayPath } from '../text/paths.ts';

/** Keys, tokens, trusted roots and signing configurations are far smaller. */
const mostBytes = 4 * 1024 * 1024;

/** The text of a small file of the user; `kind` names it in errors (code `trust`), as in "key". */
export async function readSmallFile(path: string, kind: string, next: string): Promise<string> {
  const fail = (problem: string, cause?: unknown) =>
    new ModelcarsError('trust', `read ${kind} ${displayPath(path)}: ${problem}`, { next, cause });
  try {
    const { size } = await stat(path);
    if (size > mostBytes) throw fail(`it has ${size} bytes; at most ${mostBytes} are read`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof ModelcarsError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const problems: Record<string, string> = {
      ENOENT: 'no such file',
      EISDIR: 'it is a folder',
      EACCES: 'permission denied',
      ENOTDIR: 'a part of the path is a file, not a folder',
    };
    throw fail(problems[code] ?? `the system says ${code || String(error)}`, error);
  }
}
