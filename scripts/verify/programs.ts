import type { Tree } from './tree.ts';

/** The engines' default if the config sets no PATH. */
const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The folders of an image's PATH, in order; `env` is the config's, each entry `NAME=value`. */
export function pathFolders(env: readonly string[] = []): string[] {
  const variable = env.findLast((entry) => entry.startsWith('PATH='));
  return (variable?.slice('PATH='.length) ?? defaultPath)
    .split(':')
    .filter((folder) => folder.startsWith('/'));
}

/** Whether one of the folders has a program that any user can run, with links followed. */
export function hasProgram(tree: Tree, folders: readonly string[], program: string): boolean {
  return folders.some((folder) => {
    const node = tree.find(`${folder}/${program}`);
    return node?.type === 'file' && (node.mode & 0o001) !== 0;
  });
}
