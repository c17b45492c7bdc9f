import { lazySource } from '../lazy-source.ts';
import { objectStoreKind } from '../objects/kind.ts';
import type { SourceKind } from '../types.ts';
import { parseS3Uri } from './uri.ts';

/** Objects in S3 and in stores with a compatible interface. */
export const s3Kind: SourceKind = {
  scheme: 's3',
  example: 's3://bucket/prefix',
  forms: [
    {
      uri: 's3://bucket/prefix',
      names:
        'All objects below a prefix, or the one object of that name. Endpoint and credentials come from the environment: see [the cache guide](../guide/cache.md).',
    },
  ],
  environment: [
    {
      name: 'AWS_…, S3_ENDPOINT_URL',
      purpose: 'for s3:// sources and `cache`; docs/guide/cache.md has them all',
    },
  ],
  ...objectStoreKind,
  check(uri) {
    const parsed = parseS3Uri(uri);
    return parsed.ok ? undefined : parsed.problem;
  },
  open: ({ env, caFile }) => lazySource(async () => (await import('./source.ts')).s3Source(env, caFile)),
};
