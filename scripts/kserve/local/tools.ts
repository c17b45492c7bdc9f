import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Paths of util-linux's programs and the shell: absolute, since they run with another environment. */
export interface Tools {
  unshare: string;
  nsenter: string;
  setpriv: string;
  sh: string;
}

/** The programs that a pod needs; undefined when one is missing. */
export async function findTools(): Promise<Tools | undefined> {
  if (process.platform !== 'linux') return undefined;
  const [unshare, nsenter, setpriv, sh] = await Promise.all(
    ['unshare', 'nsenter', 'setpriv', 'sh'].map(onPath),
  );
  return unshare && nsenter && setpriv && sh ? { unshare, nsenter, setpriv, sh } : undefined;
}

/** The path of a program in PATH or in the system's folders; undefined when not found. */
export async function onPath(name: string): Promise<string | undefined> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const folder of new Set([...folders, '/usr/sbin', '/sbin', '/usr/bin', '/bin'])) {
    if (folder === '') continue;
    const path = join(folder, name);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
