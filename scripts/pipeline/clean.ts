import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import { temporaryPrefix } from '../files/atomic.ts';
import { openLayout } from '../layout/open.ts';

/**
 * Deletes what `build` wrote at `output`, and only that: a path that is not an OCI image layout, or a folder that holds anything
 * besides one, is refused with code `layout`. Returns the paths deleted, or to be deleted with `dryRun`; none when there is nothing.
 */
export async function clean(output: string, options: { dryRun: boolean }): Promise<string[]> {
  const found = await lstat(output).catch(() => undefined);
  if (found === undefined) return [];
  await (await openLayout(output))[Symbol.asyncDispose]();
  if (found.isSymbolicLink()) throw foreign(output, 'it is a symbolic link');
  if (found.isDirectory()) {
    const ours = new Set(['oci-layout', 'index.json', 'blobs']);
    const other = (await readdir(output)).find(
      (name) => !ours.has(name) && !name.startsWith(temporaryPrefix),
    );
    if (other !== undefined) throw foreign(join(output, other), 'it is not part of an OCI image layout');
  }
  if (!options.dryRun) await rm(output, { recursive: true });
  return [output];
}

function foreign(path: string, why: string): ModelcarsError {
  return new ModelcarsError('layout', `clean ${path}: ${why}`, { next: 'delete it yourself if it is to go' });
}
