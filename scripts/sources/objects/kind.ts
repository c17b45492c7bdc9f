import type { SourceKind } from '../types.ts';

/** What the kinds of object stores share. */
export const objectStoreKind = {
  repair: {
    pointer: 'run `git lfs pull` where the files come from, and upload them again',
    corrupt: 'upload the file again; leave it out with `exclude` if the model works without it',
    missing: 'upload the files that are missing: an upload stopped too early',
  },
  fileUri: (uri: string, path: string) => `${uri.replace(/\/$/, '')}/${path}`,
} satisfies Partial<SourceKind>;
