import { lazySource } from '../lazy-source.ts';
import { objectStoreKind } from '../objects/kind.ts';
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
  ...objectStoreKind,
  check(uri) {
    const parsed = parseAzureUri(uri);
    return parsed.ok ? undefined : parsed.problem;
  },
  pasted: pastedAzure,
  open: (options) => lazySource(async () => (await import('./source.ts')).azureSource(options)),
};
