/** Python environments of pinned packages, made once and kept in the cache of parts. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, PartMissing, partsRequired } from './parts.ts';
import { run, tryRun } from './run.ts';

export interface PythonSettings {
  /** Begins the name of the cache's folder. */
  name: string;
  /** Path of a complete list of pins: it is installed with --no-deps, wheels only. */
  requirements: string;
  /** Interpreters to try, the best first. */
  interpreters: string[];
  /** Adds more to the environment's folder, which is moved afterwards. */
  finish?(folder: string): Promise<void>;
}

/** The Python of an environment with these packages; installed first when need be. Throws PartMissing without a Python. */
export async function pythonWith(settings: PythonSettings): Promise<string> {
  const { name, requirements, interpreters, finish } = settings;
  const base = await findPython(name, interpreters);
  const pins = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const key = `${name}-${pins.slice(0, 12)}-${base.replaceAll('/', '_')}-${process.arch}`;
  return await cached(key, 'bin/python', async (folder) => {
    await run(base, ['-m', 'venv', folder]);
    const flags = [
      '--no-deps',
      '--only-binary=:all:',
      '--no-input',
      '--disable-pip-version-check',
      '--quiet',
    ];
    const pip = ['-m', 'pip', 'install', ...flags, '--requirement', requirements];
    await run(join(folder, 'bin', 'python'), pip, { timeout: 900_000 });
    await finish?.(folder);
  });
}

/** The sentence that says what to install, when `part` throws PartMissing; throws it where parts are required. */
export async function missing(part: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await part();
  } catch (error) {
    if (!(error instanceof PartMissing) || partsRequired()) throw error;
    return error.message;
  }
  return undefined;
}

async function findPython(name: string, interpreters: string[]): Promise<string> {
  for (const interpreter of interpreters) {
    const tried = await tryRun(interpreter, ['-c', 'import ensurepip, venv']).catch(() => undefined);
    if (tried?.code === 0) return interpreter;
  }
  throw new PartMissing(
    `${name} is not here: install ${interpreters.join(' or ')} with venv (Debian: python3-venv)`,
  );
}
