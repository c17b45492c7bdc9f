import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import semver from 'semver';
import type { Lock } from '../../model/types.ts';
import { storeFolder } from '../../store/folder.ts';
import { freeSpaceOf } from '../../store/free-space.ts';
import { distrustOf } from '../../store/trust.ts';
import { formatBytes } from '../../text/bytes.ts';
import { displayPath } from '../../text/paths.ts';
import type { CheckResult, DoctorOptions, Found } from './types.ts';

/** The versions of modelcars and of Node, which has to be in the range of package.json's `engines`. */
export function checkVersions({ versions }: DoctorOptions, range: string): CheckResult[] {
  const { modelcars, node } = versions;
  const platform = `${process.platform}/${process.arch}`;
  const suits = semver.satisfies(node, range, { includePrerelease: true });
  return [
    { check: 'modelcars', status: 'ok', message: `${modelcars} on ${platform}` },
    {
      check: 'node',
      status: suits ? 'ok' : 'fail',
      message: `${node} (needs ${range})`,
      ...(!suits && {
        next: 'install a newer Node, or run `npx -p node@24 -p modelcars modelcars`',
      }),
    },
  ];
}

/** The store: its folder, whether it is trusted and writable, and its free space. */
export async function checkStore(options: DoctorOptions, found: Found): Promise<CheckResult[]> {
  const folder = options.store ?? storeFolder(options.env);
  const distrust = distrustOf(folder);
  if (distrust !== undefined) {
    const { why, next } = distrust;
    return [
      { check: 'store', status: 'warn', message: `${displayPath(folder)} is not trusted: ${why}`, next },
    ];
  }
  return [await disk('store', folder, found.lock, '--keep stores')];
}

/** The folder of `build`'s output: whether it can be written, and its free space. */
export async function checkOutput({ output }: DoctorOptions, found: Found): Promise<CheckResult[]> {
  return [await disk('output', output, found.lock, 'a build of all models writes about')];
}

async function disk(
  check: 'store' | 'output',
  folder: string,
  lock: Lock | undefined,
  what: string,
): Promise<CheckResult> {
  const option = `--${check}`;
  const shown = displayPath(folder);
  if (!isWritable(folder)) {
    const next = `change its permissions, or choose another folder with ${option}`;
    return { check, status: 'fail', message: `${shown} cannot be written`, next };
  }
  const free = await freeSpaceOf(folder);
  const needed = lockedSize(lock);
  const space = free === undefined ? 'free space unknown' : `${formatBytes(free)} free`;
  const need = needed === undefined ? '' : `; ${what} ${formatBytes(needed)}`;
  const message = `${shown}: ${space}${need}`;
  if (free === undefined || needed === undefined || needed <= free) return { check, status: 'ok', message };
  const next = `free some space (\`modelcars prune\`), or choose another folder with ${option}`;
  return { check, status: 'warn', message, next };
}

/** Whether this user can write to a folder or, when it is missing, create it. */
function isWritable(folder: string): boolean {
  let path = resolve(folder);
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Bytes of all locked files, each once. */
function lockedSize(lock: Lock | undefined): number | undefined {
  if (lock === undefined) return undefined;
  const files = Object.values(lock.models).flatMap((model) => model.files);
  const sizes = new Map(files.map(({ sha256, size }) => [sha256, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
