import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, dirname, join, relative } from 'node:path';
import { shellWord } from '../../text/shell.ts';

/**
 * Shell lines that make the folders `needs` reachable for any user; to run as root in a separate mount namespace. A
 * parent folder that others cannot enter (mostly a home folder) is covered with an empty one that holds only the needed
 * folders. Nothing changes outside the namespace.
 */
export function reachScript(needs: readonly string[]): string {
  const closed = new Map<string, string[]>();
  for (const folder of needs) {
    const top = closedAbove(folder);
    if (top !== undefined) closed.set(top, [...(closed.get(top) ?? []), folder]);
  }
  const lines = ['set -e', 'umask 022'];
  for (const [top, folders] of closed) {
    // Once covered, the folder is accessible only through an open descriptor.
    lines.push(`exec 9< ${shellWord(top)}`, `mount -t tmpfs -o mode=0755 tmpfs ${shellWord(top)}`);
    for (const folder of folders) {
      const source = `/proc/self/fd/9/${relative(top, folder)}`;
      lines.push(`mkdir -p ${shellWord(folder)}`);
      lines.push(`mount --no-canonicalize --rbind ${shellWord(source)} ${shellWord(folder)}`);
    }
    lines.push('exec 9<&-');
  }
  return lines.join('\n');
}

/** The topmost folder above `folder` that other users cannot enter. */
function closedAbove(folder: string): string | undefined {
  return foldersAbove(folder).findLast(isClosed);
}

/** The folders above one, from the nearest to the root. */
function foldersAbove(folder: string): string[] {
  const folders: string[] = [];
  for (let at = folder; at !== dirname(at); ) {
    at = dirname(at);
    folders.push(at);
  }
  return folders;
}

function isClosed(folder: string): boolean {
  return (statSync(folder).mode & 0o001) === 0;
}

/**
 * The folders that a user's shell command may need: all folders inside the closed folders above PATH and above the
 * absolute paths in the command, since an interpreter may be anywhere in them. Of a closed folder inside another one, as
 * ~/.cache often is inside a home folder, the folders inside it.
 */
export async function foldersOfCommand(command: string): Promise<string[]> {
  const words = command.match(/\/[^\s"'`:;|&<>()]+/g) ?? [];
  const closed = new Set<string>();
  for (const path of [...(process.env.PATH ?? '').split(delimiter), ...words])
    if (path.startsWith('/') && existsSync(path))
      for (const one of foldersAbove(path).filter(isClosed)) closed.add(one);
  const tops = [...closed].filter((folder) => closedAbove(folder) === undefined);
  return (await Promise.all(tops.map((top) => openedInside(top, closed)))).flat();
}

/** The folders inside one that has to be opened, or inside those in it that have to be. */
async function openedInside(folder: string, closed: ReadonlySet<string>): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const inside = entries.map(async ({ name }) => {
    const path = join(folder, name);
    const deeper = [...closed].some((one) => one === path || one.startsWith(`${path}/`));
    return deeper ? await openedInside(path, closed) : [path];
  });
  return (await Promise.all(inside)).flat();
}
