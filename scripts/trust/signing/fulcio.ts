import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { IdentityProvider } from '@sigstore/sign';
import { z } from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { headerOf, readBody, readRefusal } from '../../http/body.ts';
import { isRetryable, RequestFailure } from '../../http/failure.ts';
import { transmit } from '../../http/redirects.ts';
import { parseRetryAfter, type RetryOptions, retrying } from '../../http/retry.ts';
import { isLoopback, type Transport } from '../../http/transport.ts';
import { plain } from '../../text/format.ts';
import { learnSecret } from '../../text/mask.ts';

const mostBytes = 256 * 1024;
/** Milliseconds after which a certificate is not used for another signature: Fulcio's are valid for ten minutes. */
const useFor = 5 * 60_000;

const chain = z.object({
  chain: z.object({ certificates: z.array(z.string().max(100_000)).min(1).max(10) }),
});
const answerSchema = z
  .object({ signedCertificateEmbeddedSct: chain.optional(), signedCertificateDetachedSct: chain.optional() })
  .transform(
    (answer) =>
      (answer.signedCertificateEmbeddedSct ?? answer.signedCertificateDetachedSct)?.chain.certificates,
  );

export interface FulcioOptions {
  url: string;
  identity: IdentityProvider;
  transport: Transport;
  retry: RetryOptions;
  onRetry?: (line: string) => void;
  signal?: AbortSignal;
}

/** A key that exists in memory only, with a certificate for the identity of the token. */
export interface CertifiedKey {
  /** PEM, the signer's first, then those above it. */
  chain: string[];
  sign(message: Uint8Array): Buffer;
  /** When another certificate is needed, as `performance.now()` counts. */
  until: number;
}

/**
 * A certificate of Fulcio (github.com/sigstore/fulcio, fulcio.proto, `CreateSigningCertificate`) for a new ECDSA P-256
 * key. Not the library's FulcioSigner: that one drops the intermediate certificates, without which podman and CRI-O
 * cannot check the older signature layout, and it prints the token when it cannot read it. Fails with code `trust`.
 */
export async function requestCertificate(options: FulcioOptions): Promise<CertifiedKey> {
  const { url, transport, retry, onRetry, signal } = options;
  const token = await options.identity.getToken();
  learnSecret(token);
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const body = Buffer.from(
    JSON.stringify({
      credentials: { oidcIdentityToken: token },
      publicKeyRequest: {
        publicKey: { algorithm: 'ECDSA', content: publicKey.export({ type: 'spki', format: 'pem' }) },
        proofOfPossession: sign('sha256', Buffer.from(subjectOf(token)), privateKey).toString('base64'),
      },
    }),
  );
  const endpoint = new URL('api/v2/signingCert', url.endsWith('/') ? url : `${url}/`);
  const what = `request a signing certificate from ${endpoint.host}`;
  let answered = false;
  const bytes = await retrying({ retry, onRetry, signal, answered: () => answered }, async () => {
    const { answer, status } = await transmit(transport, endpoint, {
      what,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal,
      headersTimeout: 30_000,
      mayBePlain: ({ hostname }) => isLoopback(hostname),
      code: 'trust',
    });
    answered = true;
    if (status === 200 || status === 201) return await readBody(answer, mostBytes);
    const refusal = plain((await readRefusal(answer)).toString('utf8'), 300);
    const retryAfter = parseRetryAfter(headerOf(answer, 'retry-after'));
    throw new RequestFailure(`${what}: it answered ${status}${refusal === '' ? '' : `: ${refusal}`}`, {
      code: 'trust',
      status,
      retryable: isRetryable(status),
      next: 'check --fulcio-url, and whether this Fulcio takes tokens of this issuer',
      ...(retryAfter !== undefined && { retryAfter }),
    });
  });
  const certificates = parseChain(bytes, what);
  checkKey(certificates[0] ?? '', publicKey.export({ type: 'spki', format: 'der' }), what);
  return {
    chain: certificates,
    sign: (message) => sign('sha256', message, privateKey),
    until: performance.now() + useFor,
  };
}

function parseChain(bytes: Buffer | undefined, what: string): string[] {
  try {
    const found = answerSchema.parse(JSON.parse(bytes?.toString('utf8') ?? ''));
    if (found !== undefined) return found;
  } catch (cause) {
    throw new ModelcarsError('trust', `${what}: the answer is not Fulcio's`, {
      cause,
      next: 'check --fulcio-url',
    });
  }
  throw new ModelcarsError('trust', `${what}: the answer has no certificate`, { next: 'check --fulcio-url' });
}

/** A certificate for another key would make a signature that nobody can verify. */
function checkKey(certificate: string, key: Buffer, what: string): void {
  let certified: Buffer | undefined;
  try {
    certified = createPublicKey(certificate).export({ type: 'spki', format: 'der' });
  } catch {
    certified = undefined;
  }
  if (certified?.equals(key)) return;
  throw new ModelcarsError('trust', `${what}: the certificate is not for the requested key`, {
    next: "look into this Fulcio's log",
  });
}

/** What Fulcio has the key sign as its proof of possession: the verified e-mail address, or the subject. */
function subjectOf(token: string): string {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const { email, sub } = z.object({ email: z.string().optional(), sub: z.string().optional() }).parse(claims);
  return email ?? sub ?? '';
}
