import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ModelcarsError } from '../errors.ts';
import { plain } from '../text/format.ts';

const lockSchema = z.object({
  lockfileVersion: z.literal(3),
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      dev: z.boolean().optional(),
      optional: z.boolean().optional(),
      devOptional: z.boolean().optional(),
      link: z.boolean().optional(),
      hasInstallScript: z.boolean().optional(),
      os: z.array(z.string()).optional(),
      cpu: z.array(z.string()).optional(),
    }),
  ),
});

/**
 * The folders of all packages that modelcars needs at run time, sorted, from package-lock.json (npm documentation,
 * "package-lock.json", version 3). Fails when one of them is not installed in the locked version, or differs between
 * platforms.
 */
export async function productionPackages(root: string): Promise<string[]> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  const folders: string[] = [];
  for (const [folder, entry] of Object.entries(lock.packages)) {
    // Whether optional packages are installed depends on the platform.
    if (folder === '' || entry.dev || entry.optional || entry.devOptional) continue;
    if (
      entry.os ||
      entry.cpu ||
      entry.hasInstallScript ||
      entry.link ||
      !folder.startsWith('node_modules/')
    ) {
      throw new ModelcarsError('bug', `plan the loader: ${plain(folder)} is not the same on every platform`, {
        next: 'use a package in plain JavaScript',
      });
    }
    const installed = await installedVersion(join(root, folder));
    if (installed !== entry.version) {
      const have =
        installed === undefined ? 'it is not installed' : `version ${plain(installed)} is installed`;
      throw new ModelcarsError(
        'source',
        `plan the loader: ${plain(folder)}: ${have}, the lock has ${plain(entry.version ?? 'another')}`,
        { next: 'run `npm ci` in the folder of modelcars' },
      );
    }
    folders.push(folder);
  }
  return folders.sort();
}

async function installedVersion(folder: string): Promise<string | undefined> {
  try {
    const { version }: { version?: unknown } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    );
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
