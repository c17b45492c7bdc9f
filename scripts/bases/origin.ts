import { ModelcarsError } from '../errors.ts';
import type { ImageStore } from '../image/types.ts';
import { openLayout } from '../layout/open.ts';
import { packageFile } from '../package.ts';
import type { RegistryClient } from '../registry/client.ts';
import { applyMirrors } from '../registry/mirrors.ts';
import { parseReference } from '../registry/reference.ts';
import { withBaseImageCache } from '../store/base-image-cache.ts';
import type { Store } from '../store/store.ts';

/** The base that ships with modelcars, as an OCI image layout (see base/README.md). */
const embeddedLayout = packageFile('base/layout');

/** The origin of a base image, and its name there. */
export interface BaseOrigin {
  store: ImageStore;
  /** For `store.resolve`: a tag, digest or layout entry. */
  reference: string;
}

/**
 * Opens the origin of a base: the shipped layout for `embedded`, otherwise a registry, reached through the catalog's
 * mirrors and read through the store. Without a client, only the store is read. Makes no request yet.
 */
export async function openOrigin(
  name: string,
  access: { client?: () => Promise<RegistryClient>; store: Store; mirrors: Record<string, string> },
): Promise<BaseOrigin> {
  if (name === 'embedded') return { store: await openLayout(embeddedLayout), reference: 'embedded' };
  const reference = applyMirrors(parseReference(name), access.mirrors);
  const client = await access.client?.();
  const repository = client?.repository(reference) ?? nothing;
  return {
    store: withBaseImageCache(repository, access.store),
    reference: reference.digest ?? reference.tag ?? 'latest',
  };
}

/** The origin beyond the store for a run without a network: empty. */
const nothing: ImageStore = {
  resolve: async () => undefined,
  read: async ({ digest }) => {
    throw notHere(digest);
  },
  open({ digest }) {
    throw notHere(digest);
  },
};

function notHere(digest: string): ModelcarsError {
  return new ModelcarsError('registry', `read ${digest}: it is not in the store`);
}
