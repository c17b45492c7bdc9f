import type { Tree } from './tree.ts';

/** Where engines look when the config names no PATH. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The folders of an image's PATH, in order; `env` is its config's, `NAME=value` each. */
export function pathFolders(env: readonly string[] = []): string[] {
  const variable = env.findLast((entry) => entry.startsWith('PATH='));
  return (variable?.slice('PATH='.length) ?? defaultPath)
    .split(':')
    .filter((folder) => folder.startsWith('/'));
}

/** Whether one of the folders has a program that any user can run, over all links. */
export function hasProgram(tree: Tree, folders: readonly string[], program: string): boolean {
  return folders.some((folder) => {
    const node = tree.find(`${folder}/${program}`);
    return node?.type === 'file' && (node.mode & 0o001) !== 0;
  });
}
