import { createHash, X509Certificate } from 'node:crypto';
import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import { z } from 'zod';
import { annotationKeys, type OlderSignature } from '../older-layout.ts';

const entrySchema = z.object({
  SignedEntryTimestamp: z.string(),
  Payload: z.object({
    body: z.string(),
    integratedTime: z.int(),
    logIndex: z.int(),
    logID: z.string().regex(/^[0-9a-f]{64}$/),
  }),
});
const bodySchema = z.object({ kind: z.string(), apiVersion: z.string() });
const timestampSchema = z.object({ SignedRFC3161Timestamp: z.string() });

/**
 * A signature of the older layout as a Sigstore bundle v0.1, so that one verifier judges both layouts. Throws for
 * annotations that are malformed.
 */
export function olderBundle({ payload, annotations }: OlderSignature): Bundle {
  const certificate = annotations[annotationKeys.certificate];
  const entry = annotations[annotationKeys.bundle];
  const timestamp = annotations[annotationKeys.timestamp];
  return bundleFromJSON({
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.1',
    verificationMaterial: {
      ...(certificate === undefined
        ? { publicKey: { hint: '' } }
        : {
            x509CertificateChain: {
              certificates: [{ rawBytes: new X509Certificate(certificate).raw.toString('base64') }],
            },
          }),
      tlogEntries: entry === undefined ? [] : [logEntry(entry)],
      timestampVerificationData: {
        rfc3161Timestamps:
          timestamp === undefined
            ? []
            : [{ signedTimestamp: timestampSchema.parse(JSON.parse(timestamp)).SignedRFC3161Timestamp }],
      },
    },
    messageSignature: {
      messageDigest: {
        algorithm: 'SHA2_256',
        digest: createHash('sha256').update(payload).digest('base64'),
      },
      signature: annotations[annotationKeys.signature] ?? '',
    },
  });
}

function logEntry(text: string): object {
  const { SignedEntryTimestamp, Payload } = entrySchema.parse(JSON.parse(text));
  const body = bodySchema.parse(JSON.parse(Buffer.from(Payload.body, 'base64').toString('utf8')));
  return {
    logIndex: String(Payload.logIndex),
    logId: { keyId: Buffer.from(Payload.logID, 'hex').toString('base64') },
    kindVersion: { kind: body.kind, version: body.apiVersion },
    integratedTime: String(Payload.integratedTime),
    inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
    canonicalizedBody: Payload.body,
  };
}
