import type { Descriptor, Digest } from '../../image/types.ts';
import type { Referrers } from '../../registry/referrers.ts';
import type { Repository } from '../../registry/repository.ts';
import type { OlderSignature } from '../older-layout.ts';
import {
  bundleAnnotations,
  bundleType,
  signaturePredicate,
  signatureStatement,
} from '../signature-statement.ts';
import type { BundleVerifier } from '../verification/bundle-verifier.ts';
import { findSignatures } from '../verification/find-signatures.ts';
import { attachOlder } from './attach-older.ts';
import { signOlder } from './older-signature.ts';
import type { Signer } from './signer.ts';

export interface SignRequest {
  repository: Repository;
  referrers: Referrers;
  /** The index and every platform's manifest: containers/image checks the platform's. */
  images: readonly Descriptor[];
  signer: Signer;
  /** Finds the signer's own signatures, which are not made again; absent where they cannot be checked. */
  own: BundleVerifier | undefined;
  signal?: AbortSignal;
}

/** How many signatures were made, and how many existed. */
export interface SignOutcome {
  made: number;
  existing: number;
}

/**
 * Signs images in both layouts: a Sigstore bundle as referrer, and the tag `sha256-<hex>.sig`. ECDSA signatures differ
 * each time, so a valid own one is looked for first; signatures of others stay.
 */
export async function signImages(request: SignRequest): Promise<SignOutcome> {
  const { repository, referrers, signer, own, signal } = request;
  const outcome: SignOutcome = { made: 0, existing: 0 };
  const older: [Digest, OlderSignature][] = [];
  for (const image of request.images) {
    const found =
      own === undefined ? [] : (await findSignatures(repository, referrers, image, own)).signatures;
    const layouts = new Set(found.map(({ layout }) => layout));
    if (!layouts.has('bundle')) {
      const content = await signer.signStatement(signatureStatement(image.digest));
      const annotations = bundleAnnotations(signaturePredicate);
      await referrers.attach(image, { artifactType: bundleType, content, annotations });
    }
    if (!layouts.has('older')) {
      const signature = await signOlder(signer, repository.name, image.digest);
      await attachOlder(repository, image.digest, [signature], signal);
      older.push([image.digest, signature]);
    }
    outcome.made += 2 - layouts.size;
    outcome.existing += layouts.size;
  }
  if (outcome.made > 0) await referrers.confirm();
  // Another client that read a tag before our write can have written it back since.
  for (const [digest, signature] of older) await attachOlder(repository, digest, [signature], signal);
  return outcome;
}
