import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { ModelcarsError } from '../../errors.ts';
import { displayPath } from '../../text/paths.ts';
import { readSmallFile } from '../read-file.ts';
import { decryptCosignKey, isCosignKey } from './cosign-key.ts';
import { KmsPlugin } from './kms-plugin.ts';
import { checkKind } from './public-key.ts';

const signAsync = promisify<string, Uint8Array, KeyObject, Buffer>(sign);

/** A key that signs SHA-256 digests. */
export interface SigningKey {
  /** PEM. */
  publicKey: string;
  /** The signature of the SHA-256 of `message`: ASN.1 for ECDSA, PKCS #1 v1.5 for RSA. */
  sign(message: Uint8Array): Promise<Buffer>;
}

const keyForms = 'pass a key of `cosign generate-key-pair`, or a PKCS #8 key in PEM';

/** Environment variables with the password of a private key, the first one that is set; cosign reads the second. */
const passwordVariables = ['MODELCARS_KEY_PASSWORD', 'COSIGN_PASSWORD'];

/**
 * The key of `--key`: a path, `env://VARIABLE` with the PEM text, or `NAME://ID` of a key service (see KmsPlugin). Takes
 * keys of `cosign generate-key-pair`, PKCS #8, SEC 1 and PKCS #1, encrypted or not; ECDSA P-256 and RSA from 2048 bits
 * on. Fails with code `trust`; no message shows the key or the password.
 */
export async function loadPrivateKey(
  reference: string,
  environment: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<SigningKey> {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.+)$/s.exec(reference) ?? [];
  if (scheme !== undefined && scheme !== 'env') {
    const plugin = new KmsPlugin(reference, signal);
    const publicKey = await plugin.publicKey();
    checkKind(parsePublic(publicKey, reference), `key ${reference}`);
    return { publicKey, sign: (message) => plugin.sign(message) };
  }
  const where = scheme === 'env' ? `of the variable ${rest}` : displayPath(reference);
  const pem =
    scheme === 'env' ? fromEnvironment(rest, environment) : await readSmallFile(reference, 'key', keyForms);
  const key = await parseKey(pem, where, password(environment));
  checkKind(key, `key ${where}`);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  return { publicKey, sign: (message) => signAsync('sha256', message, key) };
}

async function parseKey(pem: string, where: string, secret: string | undefined): Promise<KeyObject> {
  if (/-----BEGIN (?:RSA |EC )?PUBLIC KEY-----/.test(pem))
    throw failure(where, 'it is a public key', 'pass the private key to sign');
  try {
    if (!isCosignKey(pem)) return createPrivateKey({ key: pem, passphrase: secret ?? '' });
    const der = await decryptCosignKey(pem, secret ?? '');
    if (der !== undefined) return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    if (!/ENCRYPTED/.test(pem)) throw failure(where, 'it is not a private key in PEM', undefined, cause);
    if (!isWrongPassword(cause)) throw failure(where, 'it cannot be read', undefined, cause);
  }
  const problem = secret === undefined ? 'it is encrypted' : 'the password is wrong';
  throw failure(where, problem, `set ${passwordVariables.join(' or ')} to its password`);
}

/** OpenSSL's answers to a wrong or an empty password of a PKCS #8 key. */
function isWrongPassword(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return [
    'ERR_OSSL_BAD_DECRYPT',
    'ERR_MISSING_PASSPHRASE',
    'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED',
  ].includes(code);
}

function fromEnvironment(name: string, environment: NodeJS.ProcessEnv): string {
  const pem = environment[name];
  if (pem) return pem;
  throw failure(`of the variable ${name}`, 'it is not set', `set ${name} to the key's PEM text`);
}

function parsePublic(pem: string, reference: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw failure(reference, 'the key service returned no public key in PEM', undefined, cause);
  }
}

function password(environment: NodeJS.ProcessEnv): string | undefined {
  const name = passwordVariables.find((variable) => environment[variable] !== undefined);
  return name === undefined ? undefined : environment[name];
}

function failure(where: string, problem: string, next?: string, cause?: unknown): ModelcarsError {
  return new ModelcarsError('trust', `read key ${where}: ${problem}`, {
    cause,
    next: next ?? keyForms,
  });
}
