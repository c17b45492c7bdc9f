import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { makeFolder } from '../files/folder.ts';
import { type Distrust, distrustOf } from './trust.ts';

/**
 * Lets Node keep what it compiles in the store: a third of a short run is taking out types and compiling. What V8 reads
 * from there it executes, so a store that others can write to is left alone; why is returned, and the run goes on without.
 * The store is made here, before anything is written to it, private to the user. Where that cannot be, nothing is kept.
 */
export function keepCompiled(folder: string): Distrust | undefined {
  // Node makes its folders as the umask says. One that takes the owner's own rights would leave us what we cannot read again.
  const umask = process.umask(0o077);
  try {
    const distrust = distrustOf(folder);
    if (distrust !== undefined) return distrust;
    const compiled = join(folder, 'compile');
    makeFolder(compiled, 0o700);
    enableCompileCache(compiled);
    return undefined;
  } catch {
    return undefined; // no room, no permission, no current folder: whatever needs them will say so
  } finally {
    process.umask(umask & 0o077);
  }
}
