import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Milliseconds: `git status` of a large repository on a slow disk takes some seconds. */
const patience = 60_000;

/** The output of a git command; undefined when it fails or git is not installed. Writes nothing to the repository. */
export async function git(folder: string, command: readonly string[]): Promise<string | undefined> {
  const env = { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
  // A repository's configuration can name a program to run as its file-system monitor.
  const args = ['-C', folder, '-c', 'core.fsmonitor=false', ...command];
  try {
    const { stdout } = await run('git', args, { env, timeout: patience, maxBuffer: 64 * 1024 ** 2 });
    return stdout.trimEnd();
  } catch {
    return undefined;
  }
}
