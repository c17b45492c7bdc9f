import type { ConnectionOptions } from '../types.ts';
import type { HubReference } from './pasted.ts';

/**
 * A reference with the current name of its repository, as the hub states it: former names and those without an
 * organization redirect. Fails with code `source` or `auth`.
 */
export async function canonicalReference(
  reference: HubReference,
  options: ConnectionOptions,
  signal?: AbortSignal,
): Promise<HubReference> {
  const { HubSource } = await import('./source.ts');
  const source = new HubSource(options);
  try {
    return { ...reference, name: await source.canonicalName(reference.name, signal) };
  } finally {
    await source.close();
  }
}
