import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { delimiter, dirname, join, relative } from 'node:path';

/**
 * Shell lines that let any user come to the folders `needs`, in a mount namespace of its own and by root: a folder above one that others may
 * not enter (a home folder, mostly) is covered with an empty one, in which only the needed ones are there. Nothing changes
 * outside of the namespace.
 */
export function reachScript(needs: readonly string[]): string {
  const closed = new Map<string, string[]>();
  for (const folder of needs) {
    const top = closedAbove(folder);
    if (top !== undefined) closed.set(top, [...(closed.get(top) ?? []), folder]);
  }
  const lines = ['set -e', 'umask 022'];
  for (const [top, folders] of closed) {
    // Once covered, the folder is only there for who has it open.
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

/** The uppermost folder above `folder` that not everybody may enter. */
function closedAbove(folder: string): string | undefined {
  let closed: string | undefined;
  for (let at = dirname(folder); ; at = dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) closed = at;
    if (at === dirname(at)) return closed;
  }
}

/** A text as one word of a shell command. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * What a shell command of the user's own may need: of the closed folders above PATH and above the absolute paths in it, all that is in
 * them, since an interpreter may lie anywhere there.
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
