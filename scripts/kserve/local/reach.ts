import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, dirname, join, relative } from 'node:path';

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
    lines.push(`exec 9< ${quote(top)}`, `mount -t tmpfs -o mode=0755 tmpfs ${quote(top)}`);
    for (const folder of folders) {
      const source = `/proc/self/fd/9/${relative(top, folder)}`;
      lines.push(`mkdir -p ${quote(folder)}`);
      lines.push(`mount --no-canonicalize --rbind ${quote(source)} ${quote(folder)}`);
    }
    lines.push('exec 9<&-');
  }
  return lines.join('\n');
}

/** The topmost folder above `folder` that other users cannot enter. */
function closedAbove(folder: string): string | undefined {
  let closed: string | undefined;
  for (let at = dirname(folder); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) closed = at;
    if (at === dirname(at)) return closed;
  }
}

/** Quotes a text as one word of a shell command. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The folders that a user's shell command may need: all folders inside the closed folders above PATH and above the
 * absolute paths in the command, since an interpreter may be anywhere in them.
 */
export async function foldersOfCommand(command: string): Promise<string[]> {
  const words = command.match(/\/[^\s"'`:;|&<>()]+/g) ?? [];
  const tops = new Set<string>();
  for (const path of [...(process.env.PATH ?? '').split(delimiter), ...words]) {
    if (!path.startsWith('/') || !existsSync(path)) continue;
    const top = closedAbove(path);
    if (top !== undefined) tops.add(top);
  }
  const folders: string[] = [];
  for (const top of tops) {
    for (const entry of await readdir(top, { withFileTypes: true }))
      if (entry.isDirectory()) folders.push(join(top, entry.name));
  }
  return folders;
}
