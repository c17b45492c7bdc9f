import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import { diskError, temporaryPrefix } from '../files/atomic.ts';
import { lockFolder, lockName } from '../layout/layout.ts';
import { openLayout } from '../layout/open.ts';

/**
 * The entries that `build` writes to a folder. `index.json` is deleted last: it lets the next run recognize the
 * leftovers of a killed one.
 */
const layoutNames = ['blobs', 'oci-layout', lockName, 'index.json'];

/**
 * Deletes what `build` wrote at `output`, and only that: a path that is not an OCI image layout, or a folder with any
 * other content, is refused with code `layout`. Also deletes leftovers of a killed build or clean, down to an empty
 * folder. Waits for a build that is writing. Returns the paths deleted (with `dryRun`: to be deleted).
 */
export async function clean(output: string, options: { dryRun: boolean }): Promise<string[]> {
  const found = await lstat(output).catch(() => undefined);
  if (found === undefined) return [];
  if (found.isSymbolicLink()) {
    await (await openLayout(output))[Symbol.asyncDispose]();
    throw foreign(output, 'it is a symbolic link');
  }
  if (!found.isDirectory()) {
    await (await openLayout(output))[Symbol.asyncDispose]();
    if (!options.dryRun) await rm(output);
    return [output];
  }
  if ((await readdir(output)).length === 0) {
    // A clean that was killed before its last step leaves this. A mount point stays.
    if (!options.dryRun) await rmdir(output).catch(() => undefined);
    return [output];
  }
  await checkIsLayout(output);
  if (!options.dryRun) await removeFolder(output);
  return [output];
}

async function checkIsLayout(output: string): Promise<void> {
  const names = (await readdir(output)).filter((name) => !name.startsWith(temporaryPrefix));
  const left = [lockName, 'index.json', 'oci-layout'].filter((name) => names.includes(name));
  const whole = left.includes('index.json') && left.includes('oci-layout');
  if (whole || left.length === 0) await (await openLayout(output))[Symbol.asyncDispose]();
  const other = names.find((name) => !layoutNames.includes(name));
  if (other !== undefined) throw foreign(join(output, other), 'it is not part of an OCI image layout');
}

async function removeFolder(output: string): Promise<void> {
  try {
    const release = await lockFolder(output);
    try {
      await checkIsLayout(output); // another run may have changed it during the wait
      for (const name of await readdir(output))
        if (name !== lockName && name !== 'index.json') await rm(join(output, name), { recursive: true });
    } finally {
      await release();
    }
    await rm(join(output, 'index.json'), { force: true });
    await rmdir(output);
  } catch (error) {
    throw diskError(`clean ${output}`, error);
  }
}

function foreign(path: string, why: string): ModelcarsError {
  return new ModelcarsError('layout', `clean ${path}: ${why}`, {
    next: 'delete it by hand if you do not need it',
  });
}
