import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { type Distrust, distrustOf } from './trust.ts';

/**
 * Enables Node's compile cache in the store: a third of a short run is type stripping and compiling. V8 executes what
 * it reads from the cache, so a store that others can write to is not used; the reason is returned, and the run
 * continues without. The store is created here, private to the user, before anything is written to it. If it cannot be
 * created, nothing is cached.
 */
export function keepCompiled(folder: string): Distrust | undefined {
  // Node creates its folders under the umask. One that removes the owner's rights would leave files that modelcars
  // cannot read again.
  const umask = process.umask(0o077);
  try {
    const distrust = distrustOf(folder);
    if (distrust !== undefined) return distrust;
    const compiled = join(folder, 'compile');
    makeFolder(compiled, 0o700);
    enableCompileCache(compiled);
    return undefined;
  } catch {
    return undefined; // no space, permission or current folder: whichever step needs them reports it
  } finally {
    process.umask(umask & 0o077);
  }
}
