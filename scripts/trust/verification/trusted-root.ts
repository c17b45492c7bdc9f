import { join } from 'node:path';
import type { TrustedRoot } from '@sigstore/protobuf-specs';
import { ModelcarsError } from '../../errors.ts';
import { storeFolder } from '../../store/folder.ts';
import { displayPath } from '../../text/paths.ts';
import { readSmallFile } from '../read-file.ts';

/** A root that trusts no certificate and no log: for keys. */
export const emptyRoot: TrustedRoot = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [],
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
};

/**
 * A Sigstore trusted root: of a file, by default that of the public Sigstore, which is fetched by TUF (signed metadata,
 * checked against a root that this program contains) and cached beside the store. Fails with code `trust`.
 */
export async function loadTrustedRoot(path: string | undefined): Promise<TrustedRoot> {
  if (path === undefined) return await fetchPublicRoot();
  const next = 'pass the trusted root of your Sigstore, such as that of `cosign trusted-root create`';
  const text = await readSmallFile(path, 'trusted root', next);
  const { TrustedRoot } = await import('@sigstore/protobuf-specs');
  try {
    const root = TrustedRoot.fromJSON(JSON.parse(text));
    if (root.certificateAuthorities.length + root.tlogs.length > 0) return root;
  } catch (cause) {
    throw new ModelcarsError('trust', `read trusted root ${displayPath(path)}: it is malformed`, {
      next,
      cause,
    });
  }
  throw new ModelcarsError(
    'trust',
    `read trusted root ${displayPath(path)}: it has no certificate authority and no transparency log`,
    { next },
  );
}

async function fetchPublicRoot(): Promise<TrustedRoot> {
  const { getTrustedRoot } = await import('@sigstore/tuf');
  try {
    return await getTrustedRoot({ cachePath: join(storeFolder(), 'sigstore') });
  } catch (cause) {
    throw new ModelcarsError('trust', 'fetch the trusted root of the public Sigstore: the download failed', {
      cause,
      next: 'check the network, or pass --trusted-root FILE: `cosign trusted-root create` or `gh attestation trusted-root` writes one',
    });
  }
}
