import { ModelcarsError } from '../../errors.ts';
import { trustInProcess } from '../../http/certificates.ts';
import { plain } from '../../text/format.ts';
import { objectSource } from '../objects/source.ts';
import type { ConnectionOptions, Source } from '../types.ts';
import { AzureContainer } from './container.ts';
import { parseAzureUri } from './uri.ts';

/** The source of `azure://` URIs. Azure keeps no SHA-256, so each blob is read once at `lock`. */
export function azureSource({ env = process.env, caFile, onRetry }: ConnectionOptions = {}): Source {
  trustInProcess(caFile);
  const containers = new Map<string, AzureContainer>();
  return objectSource({
    open(uri) {
      const parsed = parseAzureUri(uri);
      if (!parsed.ok)
        throw new ModelcarsError('source', `read ${plain(uri)}: expected ${parsed.problem.expected}`, {
          next: 'correct `source` in models.yaml',
        });
      const { account, container, key } = parsed.value;
      const name = `${account}/${container}`;
      const store = containers.get(name) ?? new AzureContainer(parsed.value, env, onRetry);
      containers.set(name, store);
      return { store, key };
    },
    absent: 'correct `source` in models.yaml',
    close: async () => containers.clear(),
  });
}
