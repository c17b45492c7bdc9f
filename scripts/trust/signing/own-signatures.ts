import { createPublicKey } from 'node:crypto';
import { X509Certificate } from '@sigstore/core';
import { BundleVerifier } from '../verification/bundle-verifier.ts';
import type { Signer } from './signer.ts';

const issuerExtension = '1.3.6.1.4.1.57264.1.8';

/**
 * A verifier of the signer's own earlier signatures. For an identity they are checked against a trusted root: without
 * one (`roots` is undefined, or the public one is out of reach) none counts, and the image is signed again.
 */
export async function ownSignatures(
  signer: Signer,
  trustedRoot: string | 'public' | undefined,
): Promise<BundleVerifier | undefined> {
  const material = await signer.material();
  if ('publicKey' in material) return BundleVerifier.ofKey(signer.name, createPublicKey(material.publicKey));
  if (trustedRoot === undefined) return undefined;
  const who = identityOf(material.chain[0] ?? '');
  if (who === undefined) return undefined;
  const root = trustedRoot === 'public' ? {} : { trustedRoot };
  const opening = BundleVerifier.open({ signers: [who], ...root });
  return trustedRoot === 'public' ? await opening.catch(() => undefined) : await opening;
}

/** Subject and issuer of a certificate of Fulcio. */
export function identityOf(pem: string): { identity: string; issuer: string } | undefined {
  const certificate = X509Certificate.parse(pem);
  const identity = certificate.subjectAltName;
  const issuer = certificate.extension(issuerExtension)?.valueObj.subs[0]?.value.toString('utf8');
  return identity === undefined || issuer === undefined ? undefined : { identity, issuer };
}
