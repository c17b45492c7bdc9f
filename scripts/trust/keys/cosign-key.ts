import { scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { z } from 'zod';

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** The memory that a hostile key file can make scrypt use: cosign's own parameters need 64 MiB. */
const mostMemory = 256 * 1024 * 1024;

const base64 = z.base64().max(1_000_000);

/** github.com/secure-systems-lab/go-securesystemslib, encrypted.go. */
const schema = z.object({
  kdf: z.object({
    name: z.literal('scrypt'),
    params: z.object({ N: z.int().positive(), r: z.int().positive(), p: z.int().positive().max(16) }),
    salt: base64,
  }),
  cipher: z.object({ name: z.literal('nacl/secretbox'), nonce: base64 }),
  ciphertext: base64,
});

/** Whether a PEM text is a private key as `cosign generate-key-pair` writes it. */
export function isCosignKey(pem: string): boolean {
  return /-----BEGIN ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY-----/.test(pem);
}

/**
 * The private key of `cosign generate-key-pair` as PKCS #8 DER; undefined for a wrong password. Throws a plain Error for
 * a file that is no such key.
 */
export async function decryptCosignKey(pem: string, password: string): Promise<Buffer | undefined> {
  const body = /-----BEGIN [A-Z ]+-----([\s\S]*?)-----END/.exec(pem)?.[1] ?? '';
  const { kdf, cipher, ciphertext } = schema.parse(JSON.parse(Buffer.from(body, 'base64').toString('utf8')));
  const { N, r, p } = kdf.params;
  if (128 * N * r > mostMemory) throw new Error('its key derivation needs more than 256 MiB');
  const key = await derive(password, Buffer.from(kdf.salt, 'base64'), 32, {
    N,
    r,
    p,
    maxmem: 2 * mostMemory,
  });
  try {
    const box = xsalsa20poly1305(key, Buffer.from(cipher.nonce, 'base64'));
    return Buffer.from(box.decrypt(Buffer.from(ciphertext, 'base64')));
  } catch {
    return undefined;
  }
}
