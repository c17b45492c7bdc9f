import type { Descriptor } from '../../image/types.ts';
import type { Referrers } from '../../registry/referrers.ts';
import type { Repository } from '../../registry/repository.ts';
import { type Statement, statementBytes } from '../attestations/statement.ts';
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
  /** Attested of the first image. */
  statements: readonly Statement[];
  signal?: AbortSignal;
}

/** How many signatures or attestations were made, and how many existed. */
export interface SignOutcome {
  made: number;
  existing: number;
}

/**
 * Signs images in both layouts, a Sigstore bundle as referrer and the tag `sha256-<hex>.sig`, and attaches signed
 * statements to the first of them. ECDSA signatures differ each time, so a valid own one is looked for first, and each
 * kind of statement is attested once; those of others stay.
 */
export async function signImages(
  request: SignRequest,
): Promise<{ signatures: SignOutcome; attestations: SignOutcome }> {
  const { repository, referrers, signal } = request;
  const signed = await Promise.all(
    request.images.map((image, index) => signImage(request, image, index === 0 ? request.statements : [])),
  );
  const total = (kind: 'signatures' | 'attestations'): SignOutcome => ({
    made: signed.reduce((sum, one) => sum + one[kind].made, 0),
    existing: signed.reduce((sum, one) => sum + one[kind].existing, 0),
  });
  const outcome = { signatures: total('signatures'), attestations: total('attestations') };
  if (outcome.signatures.made + outcome.attestations.made === 0) return outcome;
  await referrers.confirm();
  // Another client that read a tag before our write can have written it back since.
  for (const { image, older } of signed)
    if (older !== undefined) await attachOlder(repository, image.digest, [older], signal);
  return outcome;
}

interface SignedImage {
  image: Descriptor;
  signatures: SignOutcome;
  attestations: SignOutcome;
  /** The signature made for the older layout. */
  older: OlderSignature | undefined;
}

/** The signature comes first: cosign takes an image with any signed statement for a signed one. */
async function signImage(
  { repository, referrers, signer, own, signal }: SignRequest,
  image: Descriptor,
  statements: readonly Statement[],
): Promise<SignedImage> {
  const found = own && (await findSignatures(repository, referrers, image, own));
  const layouts = new Set(found?.signatures.map(({ layout }) => layout));
  if (!layouts.has('bundle')) await attach(signatureStatement(image.digest), signaturePredicate);
  const older = layouts.has('older') ? undefined : await signOlder(signer, repository.name, image.digest);
  if (older !== undefined) await attachOlder(repository, image.digest, [older], signal);
  const present = new Set(found?.attestations.map(({ predicateType }) => predicateType));
  const missing = statements.filter(({ predicateType }) => !present.has(predicateType));
  for (const one of missing) await attach(statementBytes(one), one.predicateType);
  return {
    image,
    signatures: { made: 2 - layouts.size, existing: layouts.size },
    attestations: { made: missing.length, existing: statements.length - missing.length },
    older,
  };

  async function attach(statement: Uint8Array, predicateType: string): Promise<void> {
    const content = await signer.signStatement(statement);
    const annotations = bundleAnnotations(predicateType);
    await referrers.attach(image, { artifactType: bundleType, content, annotations });
  }
}
