/** gitlab-ci-local: judges a pipeline by GitLab's JSON schema, and lists its jobs as GitLab would make them. */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, PartMissing, partsRequired } from './parts.ts';
import { type Result, run, tryRun } from './run.ts';

const pins = fileURLToPath(new URL('gitlab-ci-local/', import.meta.url));

/** The path of the program; installed first if needed. Throws PartMissing if that fails. */
async function gitlabCiLocal(): Promise<string> {
  const lock = await readFile(join(pins, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  const file = 'node_modules/gitlab-ci-local/dist/index.js';
  return await cached(`gitlab-ci-local-${key}`, file, async (made) => {
    for (const name of ['package.json', 'package-lock.json']) await cp(join(pins, name), join(made, name));
    const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await run('npm', words, { cwd: made, timeout: 600_000 }).catch((error: Error) => {
      throw new PartMissing(`gitlab-ci-local cannot be installed from npm: ${error.message}`);
    });
  });
}

/** The message with what to install if it is missing; throws it where parts are required. */
export async function missingGitlab(): Promise<string | undefined> {
  try {
    await gitlabCiLocal();
    return undefined;
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return error.message;
  }
}

/** Reads a pipeline in a repository with these files; `stdout` is the whole pipeline, or the jobs of a tag v1.2.3. */
export async function judgePipeline(
  files: Record<string, string>,
  show: 'pipeline' | 'jobs' = 'pipeline',
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'modelcars-gitlab-'));
  try {
    await run('git', ['init', '-q', folder]);
    await mkdir(join(folder, 'templates'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    // It includes only files that git knows.
    await run('git', ['-C', folder, 'add', '.']);
    const words = show === 'pipeline' ? ['--preview'] : ['--list-csv', '--variable', 'CI_COMMIT_TAG=v1.2.3'];
    const env = { HOME: folder, NO_COLOR: '1', FORCE_COLOR: '0' };
    return await tryRun(process.execPath, [await gitlabCiLocal(), ...words], { cwd: folder, env });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
