import { plain } from '../catalog/words.ts';
import { ModelcarsError } from '../errors.ts';
import { fileSource } from './file.ts';
import { httpsSource } from './https.ts';
import { s3Source } from './s3/source.ts';
import type { Source } from './types.ts';
import { schemeOf } from './uri.ts';

/** The source that reads a URI, by its scheme. `catalogDirectory` is where relative `file:` paths start. */
export function openSource(uri: string, catalogDirectory: string): Source {
  const scheme = schemeOf(uri);
  if (!scheme.ok) {
    throw new ModelcarsError('source', `open ${plain(uri)}: expected ${scheme.problem.expected}`, {
      next: 'correct `source` in models.yaml',
    });
  }
  if (scheme.value === 'file') return fileSource(catalogDirectory);
  if (scheme.value === 'https') return httpsSource();
  if (scheme.value === 's3') return s3Source();
  throw new ModelcarsError('source', `open ${plain(uri)}: ${scheme.value} sources are not yet supported`, {
    next: 'download the files and use a `file:` source, the one that works now',
  });
}
