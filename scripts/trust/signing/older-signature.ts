import type { Digest } from '../../image/types.ts';
import { annotationKeys, type OlderSignature, simplePayload } from '../older-layout.ts';
import type { MessageBundle, Signer } from './signer.ts';

/** Signs an image for the older layout: `cosign sign --new-bundle-format=false` writes the same annotations. */
export async function signOlder(signer: Signer, repository: string, digest: Digest): Promise<OlderSignature> {
  const payload = simplePayload(repository, digest);
  const bundle = await signer.signMessage(payload);
  const material = await signer.material();
  const annotations: Record<string, string> = {
    [annotationKeys.signature]: bundle.content.messageSignature.signature.toString('base64'),
  };
  if ('chain' in material) {
    const [certificate = '', ...above] = material.chain;
    annotations[annotationKeys.certificate] = certificate;
    if (above.length > 0) annotations[annotationKeys.chain] = above.join('');
  }
  const entry = logEntry(bundle);
  if (entry !== undefined) annotations[annotationKeys.bundle] = entry;
  const [timestamp] = bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? [];
  if (timestamp !== undefined)
    annotations[annotationKeys.timestamp] = JSON.stringify({
      SignedRFC3161Timestamp: Buffer.from(timestamp.signedTimestamp).toString('base64'),
    });
  return { payload, annotations };
}

/** A Rekor entry as cosign's `RekorBundle`; a log without signed entry timestamps (Rekor v2) has none. */
function logEntry({ verificationMaterial }: MessageBundle): string | undefined {
  const [entry] = verificationMaterial.tlogEntries;
  if (entry?.inclusionPromise === undefined) return undefined;
  return JSON.stringify({
    SignedEntryTimestamp: Buffer.from(entry.inclusionPromise.signedEntryTimestamp).toString('base64'),
    Payload: {
      body: Buffer.from(entry.canonicalizedBody).toString('base64'),
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: Buffer.from(entry.logId.keyId).toString('hex'),
    },
  });
}
