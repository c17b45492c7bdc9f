import { lazySource } from '../lazy-source.ts';
import type { SourceKind } from '../types.ts';
import { encodePath, parseFileUri } from './uri.ts';

/** Local files and folders. */
export const fileKind: SourceKind = {
  scheme: 'file',
  example: 'file:path',
  forms: [
    {
      uri: 'file:path',
      names:
        'A file or folder, relative to the folder of models.yaml; neither `..` nor a symbolic link can leave that folder.',
    },
    { uri: 'file:///path', names: 'A file or folder anywhere on this machine.' },
  ],
  environment: [],
  repair: {
    pointer: 'run `git lfs pull` in the repository that the files are from, then run it again',
    corrupt: 'copy or download the file again; leave it out with `exclude` if the model works without it',
    missing: 'copy or download the files that are missing: a copy stopped too early',
  },
  local: {
    async compareWithLock(uri, file, { directory, hashes }) {
      const { compareWithLock } = await import('./compare-lock.ts');
      return compareWithLock(directory, uri, file, hashes);
    },
    async proveLocked(uri, file, { directory, hashes }, signal) {
      const { proveLocked } = await import('./compare-lock.ts');
      return proveLocked(directory, uri, file, hashes, signal);
    },
  },
  check(uri) {
    const parsed = parseFileUri(uri);
    return parsed.ok ? undefined : parsed.problem;
  },
  fileUri: (uri, path) => `${uri.replace(/\/+$/, '')}/${encodePath(path)}`,
  open: ({ directory, hashes }) =>
    lazySource(async () => (await import('./source.ts')).fileSource(directory, hashes)),
  async namesMany(uri, { directory }) {
    const { isFolder } = await import('./open-locked.ts');
    return (await isFolder(uri, directory)) ? 'a folder' : undefined;
  },
};
