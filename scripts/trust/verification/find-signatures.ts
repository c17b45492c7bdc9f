import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import { ModelcarsError } from '../../errors.ts';
import { RequestFailure } from '../../http/failure.ts';
import { parseManifest } from '../../image/schema.ts';
import type { Descriptor, Digest } from '../../image/types.ts';
import type { Referrers } from '../../registry/referrers.ts';
import type { Repository } from '../../registry/repository.ts';
import { plain } from '../../text/format.ts';
import { readOlder, signedDigest } from '../older-layout.ts';
import { bundleType, readStatement, signaturePredicate } from '../signature-statement.ts';
import type { BundleVerifier } from './bundle-verifier.ts';
import { olderBundle } from './older-bundle.ts';

/** A stranger can attach any number; so many are looked at. */
const mostBundles = 100;
const mostBytes = 4 * 1024 * 1024;

/** A valid signature or attestation of an image. */
export interface Verified {
  /** `key cosign.pub` or `identity https://…`. */
  by: string;
  layout: 'bundle' | 'older';
  predicateType: string;
}

/** The valid signatures of an image, and why the others are not. */
export interface FoundSignatures {
  signatures: Verified[];
  /** Signed statements of other kinds, such as provenance: an attestation is never a signature. */
  attestations: Verified[];
  /** One line for each signature that no trusted signer made. */
  reasons: string[];
}

/**
 * Reads what is attached to an image in both layouts, and judges it. A malformed document of a stranger is a reason, not
 * a failure. Network failures pass on.
 */
export async function findSignatures(
  repository: Repository,
  referrers: Referrers,
  { digest }: Descriptor,
  verifier: BundleVerifier,
): Promise<FoundSignatures> {
  const found: FoundSignatures = { signatures: [], attestations: [], reasons: [] };
  const listed = await referrers.list(digest, bundleType);
  for (const descriptor of listed.slice(0, mostBundles)) {
    const bundle = await readBundle(repository, descriptor);
    if (bundle === undefined) continue;
    judgeBundle(bundle, digest, verifier, found);
  }
  const { signatures } = await readOlder(repository, digest);
  for (const one of signatures.slice(0, mostBundles)) {
    const judged = judge(() => {
      if (signedDigest(one.payload) !== digest) throw new Error('it is about another image');
      return verifier.verify(olderBundle(one), Buffer.from(one.payload));
    });
    if ('by' in judged)
      found.signatures.push({ by: judged.by, layout: 'older', predicateType: signaturePredicate });
    else found.reasons.push(...judged.reasons);
  }
  return found;
}

function judgeBundle(bundle: Bundle, digest: Digest, verifier: BundleVerifier, found: FoundSignatures): void {
  const { content } = bundle;
  if (content.$case !== 'dsseEnvelope') return;
  const statement = readStatement(content.dsseEnvelope.payload);
  if (statement === undefined) return;
  const { predicateType } = statement;
  const judged = judge(() => {
    if (!statement.subjects.includes(digest)) throw new Error('it is about another image');
    if (content.dsseEnvelope.payloadType !== 'application/vnd.in-toto+json')
      throw new Error('its payload is no in-toto statement');
    return verifier.verify(bundle);
  });
  if ('by' in judged) {
    const list = predicateType === signaturePredicate ? found.signatures : found.attestations;
    list.push({ by: judged.by, layout: 'bundle', predicateType });
  } else found.reasons.push(...judged.reasons);
}

/** Parsing a stranger's certificate or JSON can fail in many ways. */
function judge(check: () => ReturnType<BundleVerifier['verify']>): ReturnType<BundleVerifier['verify']> {
  try {
    return check();
  } catch (error) {
    return { reasons: [plain(error instanceof Error ? error.message : String(error), 300)] };
  }
}

/** The bundle of a referrer; undefined when the manifest is something else, or its bytes are no bundle. */
export async function readBundle(
  repository: Repository,
  descriptor: Descriptor,
): Promise<Bundle | undefined> {
  const where = `${repository.name}@${descriptor.digest}`;
  try {
    const { layers } = parseManifest(await repository.read(descriptor), where);
    const [layer] = layers;
    if (layer === undefined || layers.length > 1 || layer.mediaType !== bundleType) return undefined;
    if (layer.size > mostBytes) return undefined;
    return bundleFromJSON(JSON.parse(Buffer.from(await repository.read(layer)).toString('utf8')));
  } catch (error) {
    // A manifest that is listed and gone, or malformed, is no signature; an answer that failed is no answer.
    const failed = error instanceof RequestFailure && error.status !== 404;
    if (failed || (error instanceof ModelcarsError && error.code === 'cancelled')) throw error;
    return undefined;
  }
}
