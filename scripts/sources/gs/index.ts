import { lazySource } from '../lazy-source.ts';
import { objectStoreKind } from '../objects/kind.ts';
import type { SourceKind } from '../types.ts';
import { parseGsUri, pastedGsPage } from './uri.ts';

/** Objects in Google Cloud Storage. */
export const gsKind: SourceKind = {
  scheme: 'gs',
  example: 'gs://bucket/prefix',
  forms: [
    {
      uri: 'gs://bucket/prefix',
      names:
        'All objects below a prefix of Google Cloud Storage, or the one object of that name; see [below](#google-and-azure).',
    },
  ],
  environment: [
    {
      name: 'GOOGLE_APPLICATION_CREDENTIALS',
      purpose: 'for gs:// sources, as for every Google client',
    },
  ],
  ...objectStoreKind,
  check(uri) {
    const parsed = parseGsUri(uri);
    return parsed.ok ? undefined : parsed.problem;
  },
  pasted: pastedGsPage,
  open: (options) => lazySource(async () => (await import('./source.ts')).gsSource(options)),
};
