import type { Descriptor } from '../../image/types.ts';
import type { Attestation, SignatureState } from '../../model-catalog/types.ts';
import { Referrers } from '../../registry/referrers.ts';
import type { Repository } from '../../registry/repository.ts';
import { signatureTag } from '../../trust/older-layout.ts';
import { bundleType, signaturePredicate } from '../../trust/signature-statement.ts';
import type { BundleVerifier } from '../../trust/verification/bundle-verifier.ts';
import { findSignatures } from '../../trust/verification/find-signatures.ts';
import { signedManifests } from '../image-signing.ts';

/** What is attached to an image in a registry. */
export interface Examined {
  signature: SignatureState;
  attestations: Attestation[];
}

/** Attestations shown. Anybody who can push can attach any number. */
const mostAttestations = 20;

/**
 * Who signed an image, every platform included, and what is attested of it. Without a verifier, only that something is
 * attached: its signer is not known.
 */
export async function examineSignatures(
  repository: Repository,
  root: Descriptor,
  verifier: BundleVerifier | undefined,
  signal: AbortSignal,
): Promise<Examined> {
  const referrers = new Referrers(repository, signal);
  if (verifier === undefined) return await attached(repository, referrers, root);
  let attestations: Attestation[] = [];
  let signers: string[] | undefined;
  let isAnySigned = false;
  for (const image of await signedManifests(repository, root)) {
    const found = await findSignatures(repository, referrers, image, verifier);
    if (image === root) attestations = distinct(found.attestations);
    isAnySigned ||= found.signatures.length > 0 || found.reasons.length > 0;
    const by = found.signatures.map((one) => one.by);
    // A signer of the whole image signed all of its manifests.
    signers = signers === undefined ? by : signers.filter((one) => by.includes(one));
  }
  const by = [...new Set(signers)].sort();
  if (by.length > 0) return { signature: { state: 'verified', by }, attestations };
  return { signature: { state: isAnySigned ? 'untrusted' : 'unsigned' }, attestations };
}

/** What the registry lists, by annotations that nobody verified. */
async function attached(
  repository: Repository,
  referrers: Referrers,
  { digest }: Descriptor,
): Promise<Examined> {
  const listed = await referrers.list(digest, bundleType);
  const types = listed.flatMap(({ annotations }) => annotations?.['dev.sigstore.bundle.predicateType'] ?? []);
  const hasSignature =
    types.includes(signaturePredicate) || (await repository.resolve(signatureTag(digest))) !== undefined;
  const statements = types.filter((type) => type !== signaturePredicate);
  return {
    signature: { state: hasSignature ? 'unverified' : 'unsigned' },
    attestations: distinct(statements.map((predicateType) => ({ predicateType }))),
  };
}

/** Each kind of statement of each signer once, in an order that does not depend on the registry's. */
function distinct(all: readonly Attestation[]): Attestation[] {
  const byKey = new Map(
    all.map(({ predicateType, by }) => [
      JSON.stringify([predicateType, by]),
      by === undefined ? { predicateType } : { predicateType, by },
    ]),
  );
  return [...byKey]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .slice(0, mostAttestations)
    .map(([, attestation]) => attestation);
}
