import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { ModelcarsError } from '../../errors.ts';
import { displayPath } from '../../text/paths.ts';
import { readSmallFile } from '../read-file.ts';

/** Reads a public key in PEM: ECDSA P-256 or RSA from 2048 bits on. Fails with code `trust` or `disk`. */
export async function loadPublicKey(path: string): Promise<KeyObject> {
  const what = `key ${displayPath(path)}`;
  const next = 'pass the cosign.pub of `cosign generate-key-pair`';
  const pem = await readSmallFile(path, 'key', next);
  if (/PRIVATE KEY-----/.test(pem))
    throw new ModelcarsError('trust', `read ${what}: it is a private key`, {
      next: 'pass the public key, and keep the private one where only the signing job reads it',
    });
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw new ModelcarsError('trust', `read ${what}: it is not a public key in PEM`, {
      cause,
      next,
    });
  }
  checkKind(key, what);
  return key;
}

/**
 * Refuses keys with which verifiers disagree: for other curves and Ed25519, cosign, podman and Kyverno expect different
 * hash functions in the two signature layouts.
 */
export function checkKind(key: KeyObject, what: string): void {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'ec' && namedCurve === 'prime256v1') return;
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && modulusLength <= 4096) return;
  const found = [key.asymmetricKeyType ?? 'unknown', namedCurve ?? (modulusLength || '')].join(' ').trim();
  throw new ModelcarsError('trust', `use ${what}: its kind is ${found}`, {
    next: 'use ECDSA P-256, as `cosign generate-key-pair` makes it, or RSA with 2048 to 4096 bits',
  });
}

/** How cosign 3 names a public key in a bundle: base64 of the SHA-256 of its DER. */
export function keyHint(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('base64');
}
