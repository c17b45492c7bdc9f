import { z } from 'zod';
import { isDigest } from '../image/schema.ts';
import type { Digest } from '../image/types.ts';

/** Media type of a Sigstore bundle; also the artifact type of the manifest that carries it (cosign's OCI spec). */
export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
/** in-toto attestation spec, "Statement". */
const statementUri = 'https://in-toto.io/Statement/v1';
/** What tells a signature from an attestation: `cosign verify` itself takes either for a signature. */
export const signaturePredicate = 'https://sigstore.dev/cosign/sign/v1';

/** Annotations of a bundle's manifest, by which cosign and others find it without reading it. */
export function bundleAnnotations(predicateType: string): Record<string, string> {
  return {
    'dev.sigstore.bundle.content': 'dsse-envelope',
    'dev.sigstore.bundle.predicateType': predicateType,
  };
}

/** The statement that is signed as an image's signature (cosign pkg/cosign, `CosignSignPredicateType`). */
export function signatureStatement(digest: Digest): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      _type: statementUri,
      subject: [{ digest: { sha256: digest.slice('sha256:'.length) } }],
      predicateType: signaturePredicate,
      predicate: {},
    }),
  );
}

const schema = z.object({
  _type: z.literal([statementUri, 'https://in-toto.io/Statement/v0.1']),
  subject: z.array(z.object({ digest: z.record(z.string(), z.string()) })).max(1000),
  predicateType: z.string().max(1000),
});

/** The subjects and the predicate type of a signed statement; undefined when the bytes are none. */
export function readStatement(bytes: Uint8Array): { subjects: Digest[]; predicateType: string } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(value).data;
  if (parsed === undefined) return undefined;
  const subjects = parsed.subject.map(({ digest }) => `sha256:${digest.sha256 ?? ''}`).filter(isDigest);
  return { subjects, predicateType: parsed.predicateType };
}
