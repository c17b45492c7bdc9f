import { isUtf8 } from 'node:buffer';
import type { BigIntStats, Dirent } from 'node:fs';
import { opendir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { ModelcarsError, stopIfAborted } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import type { Selection } from '../types.ts';

/** A regular file below a source's folder. */
export interface WalkedFile {
  /** Below the folder. */
  path: string;
  /** Free of symbolic links. */
  real: string;
  stats: BigIntStats;
}

/** Limit on the entries of a folder and its subfolders. */
const mostEntries = 100_000;
/** Limit on followed links to folders: links in linked folders multiply. */
const mostLinks = 1000;
/** Excluded from every source: never part of a model. */
const skipped = new Set(['.git', '.DS_Store']);

/**
 * All chosen regular files below a real folder, at any depth. Follows links that stay inside. A link that leads out, a
 * chosen pipe, socket or device, an unreadable folder, and a folder that contains itself through a link are errors.
 */
export async function walk(
  root: string,
  uri: string,
  select: Selection,
  signal?: AbortSignal,
): Promise<WalkedFile[]> {
  const found: WalkedFile[] = [];
  let entries = 0;
  let links = 0;
  let files = 0;
  const fail = (problem: string, next: string, cause?: unknown) =>
    new ModelcarsError('source', `read ${plain(uri)}: ${problem}`, { next, cause });

  async function enter(folder: string, path: string, parents: readonly string[]): Promise<void> {
    stopIfAborted(signal);
    const names = await list(folder, mostEntries - entries + 1).catch((error) => {
      throw fail(
        `${plain(path || '.')}: ${systemProblem(error)}`,
        'check the permissions of the folder',
        error,
      );
    });
    for (const entry of names) {
      if (++entries > mostEntries) {
        throw fail(
          `it has more than ${mostEntries} entries`,
          'point `source` at the folder of the model itself',
        );
      }
      const name = entry.name.toString('utf8');
      const child = path === '' ? name : `${path}/${name}`;
      if (!isUtf8(entry.name)) throw fail(`the name ${plain(child)} is not UTF-8`, 'rename it');
      if (skipped.has(name)) continue;
      if (entry.isDirectory()) {
        await enter(join(folder, name), child, [...parents, join(folder, name)]);
        continue;
      }
      if (entry.isSymbolicLink()) await follow(join(folder, name), child, parents);
      else await take(join(folder, name), child);
    }
  }

  async function follow(link: string, path: string, parents: readonly string[]): Promise<void> {
    const target = await realpath(link).catch(() => undefined);
    if (target === undefined) {
      files += 1;
      if (select(path))
        throw fail(
          `${plain(path)} is a symbolic link to nothing`,
          'remove it, or leave it out with `exclude`',
        );
      return;
    }
    if (!isInside(root, target)) {
      throw fail(
        `${plain(path)} is a symbolic link out of the source, to ${plain(target, 200)}`,
        'replace it with a copy (`cp -rL` copies a whole folder that way), or point `source` at the folder that contains both',
      );
    }
    const stats = await stat(target).catch(() => undefined);
    if (!stats?.isDirectory()) return take(target, path);
    if (parents.includes(target))
      throw fail(`${plain(path)} is a symbolic link to a folder that contains it`, 'remove it');
    if (++links > mostLinks) {
      throw fail(
        `more than ${mostLinks} symbolic links to folders are followed`,
        'point `source` at a folder with fewer of them',
      );
    }
    return enter(target, path, [...parents, target]);
  }

  async function take(real: string, path: string): Promise<void> {
    files += 1;
    let failure: unknown;
    const stats = await stat(real, { bigint: true }).catch((error: unknown) => {
      failure = error;
    });
    if (!select(path, stats?.isFile() ? Number(stats.size) : undefined)) return;
    if (!stats) throw fail(`${plain(path)}: ${systemProblem(failure)}`, 'check the file', failure);
    if (!stats.isFile()) {
      throw fail(`${plain(path)} is a pipe, socket or device`, 'remove it, or leave it out with `exclude`');
    }
    found.push({ path, real, stats });
  }

  await enter(root, '', [root]);
  if (files === 0) throw fail('the folder has no files', 'put the model there, or correct `source`');
  return found;
}

/** At most `most` of a folder's entries, in any order, so that a million names are never all in memory. */
async function list(folder: string, most: number): Promise<Dirent<Buffer>[]> {
  // Names as bytes: Node's opendir returns them, but its types lack the option.
  const directory = await opendir(folder, { bufferSize: 1024, encoding: 'buffer' as BufferEncoding });
  const entries: Dirent<Buffer>[] = [];
  try {
    while (entries.length < most) {
      const entry: unknown = await directory.read();
      if (entry === null) break;
      entries.push(entry as Dirent<Buffer>);
    }
  } finally {
    await directory.close();
  }
  return entries;
}

/** Whether a real path is a real folder or is below it. */
export function isInside(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** An operating system error in words. */
export function systemProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words: Record<string, string> = {
    ENOENT: 'no such file or folder',
    ENOTDIR: 'a part of the path is a file, not a folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ELOOP: 'symbolic links go in a circle',
    ENAMETOOLONG: 'the path is too long',
    EMFILE: 'too many open files',
    EIO: 'the disk reports an input/output error',
  };
  return words[code] ?? `the system says ${code || String(error)}`;
}
