import { lazySource } from '../lazy-source.ts';
import type { SourceKind } from '../types.ts';
import { parseAzureUri, pastedAzure } from './uri.ts';

/** Blobs in Azure Storage. */
export const azureKind: SourceKind = {
  scheme: 'azure',
  example: 'azure://account/container/prefix',
  forms: [
    {
      uri: 'azure://account/container/prefix',
      names:
        'All blobs below a prefix of Azure Blob Storage, or the one blob of that name; see [below](#google-and-azure).',
    },
  ],
  environment: [
    {
      name: 'AZURE_…',
      purpose: 'for azure:// sources: as for every Azure client',
    },
  ],
  repair: {
    pointer: 'run `git lfs pull` where the files come from, and upload them again',
    corrupt: 'upload the file again; leave it out with `exclude` if the model works without it',
    missing: 'upload the files that are missing: an upload stopped too early',
  },
  check(uri) {
    const parsed = parseAzureUri(uri);
    return parsed.ok ? undefined : parsed.problem;
  },
  pasted: pastedAzure,
  fileUri: (uri, path) => `${uri.replace(/\/$/, '')}/${path}`,
  open: (options) => lazySource(async () => (await import('./source.ts')).azureSource(options)),
};
