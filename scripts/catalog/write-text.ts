import { lstat, readFile, realpath } from 'node:fs/promises';
import { ModelcarsError } from '../errors.ts';
import { diskError, writeTextAtomically } from '../files/atomic.ts';
import { displayPath } from '../text/paths.ts';

/** What writing a file did. */
export type Written = 'created' | 'changed' | 'unchanged';

/**
 * Writes a text atomically, unless it is unchanged. A symbolic link stays, and its target is replaced; so does the mode.
 * Fails with code `disk`.
 */
export async function writeTextFile(file: string, text: string): Promise<Written> {
  try {
    const target = await realpath(file).catch(() => file);
    const before = await readFile(target, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (before === text) return 'unchanged';
    const mode = before === undefined ? 0o644 : (await lstat(target)).mode & 0o777;
    await writeTextAtomically(target, text, mode);
    return before === undefined ? 'created' : 'changed';
  } catch (error) {
    if (error instanceof ModelcarsError) throw error;
    const ours = diskError(`write ${displayPath(file)}`, error);
    if (ours instanceof ModelcarsError) throw ours;
    const problem = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new ModelcarsError('disk', `write ${displayPath(file)}: the system says ${problem}`, {
      next: `check that ${displayPath(file)} is a writable file`,
      cause: error,
    });
  }
}
