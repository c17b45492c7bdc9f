import { constants } from 'node:fs';
import { copyFile, link, lstat, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import { pathError } from '../files/atomic.ts';
import { makeFolder } from '../files/folder.ts';
import type { Digest } from '../image/types.ts';
import { type LockHandle, waitForLock } from '../store/file-lock.ts';

/** A file of the model, and where its bytes are. */
export interface PlacedFile {
  /** Relative, `/` as separator; checked. */
  path: string;
  from: string;
}

/**
 * The folder beside a target in which the target is made: `.iris.modelcars-pull` for `iris`. It has one folder for each
 * layer, by digest, so that a later run of the same or of another version takes what is complete. One process at a time
 * has it.
 */
export class WorkFolder implements AsyncDisposable {
  readonly path: string;
  readonly #target: string;
  readonly #lock: LockHandle;

  private constructor(path: string, target: string, lock: LockHandle) {
    this.path = path;
    this.#target = target;
    this.#lock = lock;
  }

  /** Creates it, or takes that of an earlier run. `target` is absolute. Fails with code `disk`. */
  static async open(target: string, signal: AbortSignal, onWait: () => void): Promise<WorkFolder> {
    const path = workPath(target);
    try {
      makeFolder(dirname(path));
      makeFolder(path, 0o700);
      const found = await lstat(path);
      if (!found.isDirectory() || (process.getuid !== undefined && found.uid !== process.getuid()))
        throw new ModelcarsError('disk', `write ${path}: it is another user's`, {
          next: 'choose another folder with --output',
        });
      const lock = await waitForLock(join(path, 'run'), { isDone: async () => false, onWait, signal });
      if (lock === undefined) throw new ModelcarsError('bug', `write ${path}: no lock`);
      return new WorkFolder(path, target, lock);
    } catch (error) {
      throw pathError(`write ${path}`, error);
    }
  }

  /** The folder of a layer. */
  layer(digest: Digest): string {
    return join(this.path, 'layers', digest.slice('sha256:'.length));
  }

  /**
   * Puts the files under their paths into a new folder, which becomes the target in one rename, and deletes the work
   * folder. With `replace`, an existing target is deleted. Fails with code `disk`.
   */
  async finish(files: readonly PlacedFile[], replace: boolean): Promise<void> {
    const made = join(this.path, 'made');
    const old = join(this.path, 'replaced');
    try {
      await rm(made, { recursive: true, force: true });
      makeFolder(made);
      const used = new Set<string>();
      for (const { path, from } of files) {
        const place = join(made, path);
        makeFolder(dirname(place));
        // The bytes stay under both names until the end, for a run after this one was killed.
        if (used.has(from) || !(await tryLink(from, place)))
          await copyFile(from, place, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
        used.add(from);
      }
      if (replace) {
        // A killed run may have left one.
        await rm(old, { recursive: true, force: true });
        await rename(this.#target, old).catch(ignoreMissing);
      }
      await rename(made, this.#target);
    } catch (error) {
      throw asTargetError(this.#target, error);
    }
    await rm(this.path, { recursive: true, force: true }).catch(() => undefined);
  }

  /** Deletes it: nothing of it is needed. */
  async discard(): Promise<void> {
    await rm(this.path, { recursive: true, force: true }).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock.release();
  }
}

/** The work folder of a target. */
export function workPath(target: string): string {
  return join(dirname(target), `.${basename(target).slice(0, 80)}.modelcars-pull`);
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    // File systems without hard links.
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'EMLINK') return false;
    throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}

function asTargetError(target: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EBUSY' || code === 'EXDEV')
    return new ModelcarsError('disk', `write ${target}: a file system is mounted there`, {
      next: `pull into a folder below it: --output ${join(target, 'model')}`,
      cause: error,
    });
  if (code === 'ENOTEMPTY' || code === 'EEXIST')
    return new ModelcarsError('disk', `write ${target}: it was created meanwhile`, {
      next: 'choose another folder with --output',
      cause: error,
    });
  return pathError(`write ${target}`, error);
}
