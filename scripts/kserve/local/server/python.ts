import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, mkdir, mkdtemp, readFile, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ModelcarsError } from '../../../errors.ts';
import { runPip } from './pip.ts';

const exec = promisify(execFile);

export interface EnvironmentSettings {
  /** Prefix of the folder's name, and the display name. */
  name: string;
  /** Path of a complete list of pins, installed with --no-deps, wheels only. */
  requirements: string;
  /** Further lists, which complete the first. */
  more?: string[];
  /** Interpreters to try, the best first. */
  interpreters: string[];
  /** Adds more to the environment's folder, which is renamed afterwards. */
  finish?(folder: string): Promise<void>;
}

export interface EnvironmentOptions {
  /** The parent folder of environments; created when missing. */
  cache: string;
  signal?: AbortSignal;
  /** A line of progress for display. */
  say?(line: string): void;
}

/** The first installed interpreter that can create environments; undefined when none can. */
export async function findPython(
  interpreters: readonly string[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  for (const interpreter of interpreters) {
    const works = await exec(interpreter, ['-c', 'import ensurepip, venv'], {
      ...(signal && { signal }),
    }).then(
      () => true,
      () => false,
    );
    if (works) return interpreter;
  }
  return undefined;
}

/**
 * The Python of an environment with pinned packages, installed at first use. It is kept in `cache` under a name derived
 * from pins and interpreter, so that changed pins lead to a new one. Two processes may install the same environment at
 * once: each works in its own folder, and one rename wins. Fails with code `usage` without an interpreter, `network`
 * when the package index cannot be reached.
 */
export async function pythonEnvironment(
  settings: EnvironmentSettings,
  { cache, signal, say }: EnvironmentOptions,
): Promise<string> {
  const { name, requirements, more = [], interpreters, finish } = settings;
  const lists = [requirements, ...more];
  const base = await findPython(interpreters);
  if (base === undefined) {
    throw new ModelcarsError('usage', `install ${name}: no suitable Python is installed`, {
      next: `install ${interpreters.join(' or ')} with venv (Debian: python3-venv)`,
    });
  }
  const hash = createHash('sha256');
  for (const file of lists) hash.update(await readFile(file));
  const pins = hash.digest('hex');
  const key = `${name}-${pins.slice(0, 12)}-${base.replaceAll('/', '_')}-${process.arch}`;
  await mkdir(cache, { recursive: true, mode: 0o700 });
  // The real path: a pod's user has to reach it.
  const folder = join(await realpath(cache), key);
  const python = join(folder, 'bin', 'python');
  if (await exists(python)) return python;
  const made = await mkdtemp(join(cache, `.${key}-`));
  try {
    await chmod(made, 0o755);
    await exec(base, ['-m', 'venv', made], { ...(signal && { signal }) });
    await runPip(join(made, 'bin', 'python'), {
      name,
      requirements: lists,
      ...(signal && { signal }),
      ...(say && { say }),
    });
    await finish?.(made);
    await rename(made, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  return python;
}

/** Folders that an environment's Python reads: its own, and that of its base interpreter. */
export async function pythonFolders(python: string): Promise<string[]> {
  const { stdout } = await exec(python, ['-c', 'import sys; print(sys.prefix); print(sys.base_prefix)']);
  return stdout.trim().split('\n');
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
