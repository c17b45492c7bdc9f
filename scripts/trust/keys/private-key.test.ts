import { generateKeyPairSync, randomBytes, scryptSync, verify } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { loadPrivateKey } from './private-key.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const message = Buffer.from('a message');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-keys-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

/** As go-securesystemslib encrypts, with a cheaper derivation than cosign's. */
function cosignKey(password: string, N = 2 ** 10): string {
  const salt = randomBytes(32);
  const nonce = randomBytes(24);
  const box = xsalsa20poly1305(
    scryptSync(password, salt, 32, { N: Math.min(N, 2 ** 10), r: 8, p: 1 }),
    nonce,
  );
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const content = {
    kdf: { name: 'scrypt', params: { N, r: 8, p: 1 }, salt: salt.toString('base64') },
    cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
    ciphertext: Buffer.from(box.encrypt(der)).toString('base64'),
  };
  const body = Buffer.from(JSON.stringify(content)).toString('base64');
  return `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${body}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`;
}

async function signWith(text: string, environment: NodeJS.ProcessEnv = {}): Promise<boolean> {
  const path = join(folder, 'some.key');
  await writeFile(path, text);
  const key = await loadPrivateKey(path, environment);
  expect(key.publicKey).toBe(publicKey.export({ type: 'spki', format: 'pem' }));
  return verify('sha256', message, publicKey, await key.sign(message));
}

describe('a private key signs', () => {
  it.each([
    ['of cosign generate-key-pair', cosignKey('hidden'), { COSIGN_PASSWORD: 'hidden' }],
    [
      'of cosign, with the own variable first',
      cosignKey('hidden'),
      { MODELCARS_KEY_PASSWORD: 'hidden', COSIGN_PASSWORD: 'other' },
    ],
    ['of cosign with an empty password', cosignKey(''), { COSIGN_PASSWORD: '' }],
    ['in PKCS #8', pkcs8, {}],
    ['in SEC 1', privateKey.export({ type: 'sec1', format: 'pem' }).toString(), {}],
    [
      'in encrypted PKCS #8',
      privateKey
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hidden' })
        .toString(),
      { MODELCARS_KEY_PASSWORD: 'hidden' },
    ],
  ])('%s', async (_, text, environment) => {
    expect(await signWith(text, environment)).toBe(true);
  });

  it('of a variable', async () => {
    const key = await loadPrivateKey('env://SIGNING', { SIGNING: pkcs8 });
    expect(verify('sha256', message, publicKey, await key.sign(message))).toBe(true);
  });
});

describe('a key is refused, and never shown,', () => {
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  it.each([
    ['without its password', cosignKey('hidden'), {}, 'it is encrypted'],
    ['with a wrong password', cosignKey('hidden'), { COSIGN_PASSWORD: 'wrong' }, 'the password is wrong'],
    [
      'in PKCS #8 with a wrong password',
      privateKey
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'hidden' })
        .toString(),
      { COSIGN_PASSWORD: 'wrong' },
      'the password is wrong',
    ],
    [
      'that is public',
      publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      {},
      'it is a public key',
    ],
    ['that is no key', 'nothing', {}, 'it is not a private key in PEM'],
    [
      'on another curve',
      p384.export({ type: 'pkcs8', format: 'pem' }).toString(),
      {},
      'its kind is ec secp384r1',
    ],
    [
      'that takes gigabytes to derive',
      cosignKey('hidden', 2 ** 30),
      { COSIGN_PASSWORD: 'hidden' },
      'cannot be read',
    ],
  ])('%s', async (_, text, environment, problem) => {
    const failed = await signWith(text, environment).catch((error: Error) => error);
    expect(failed).toMatchObject({ code: 'trust', message: expect.stringContaining(problem) });
    expect(String(failed)).not.toMatch(/hidden|BEGIN/);
  });

  it('that does not exist', async () => {
    await expect(loadPrivateKey(join(folder, 'nowhere.key'), {})).rejects.toThrow('no such file');
    await expect(loadPrivateKey('env://NOWHERE', {})).rejects.toThrow(
      'of the variable NOWHERE: it is not set',
    );
  });
});

describe('a key service', () => {
  /** A plug-in that keeps its arguments and answers `answer`; JavaScript. */
  async function plugin(answer: string): Promise<void> {
    const path = join(folder, 'sigstore-kms-test');
    const script = `#!${process.execPath}\nconst fs = require('fs');\nconst input = fs.readFileSync(0);\nconst [version, text] = process.argv.slice(2);\nconst args = JSON.parse(text);\n${answer}\n`;
    await writeFile(path, script);
    await chmod(path, 0o755);
    vi.stubEnv('PATH', `${folder}${delimiter}${process.env.PATH}`);
  }

  it('gets the message on standard input, and signs', async () => {
    await plugin(`
      const crypto = require('crypto');
      const key = crypto.createPrivateKey(${JSON.stringify(pkcs8)});
      if (version !== 'v1' || args.initOptions.keyResourceID !== 'ring/key' || args.initOptions.hashFunc !== 5) process.exit(9);
      const pem = crypto.createPublicKey(key).export({ type: 'spki', format: 'pem' });
      const answer = args.methodName === 'publicKey'
        ? { publicKey: { publicKeyPEM: Buffer.from(pem).toString('base64') } }
        : { signMessage: { signature: crypto.sign('sha256', input, key).toString('base64') } };
      console.log(JSON.stringify(answer));
    `);
    const key = await loadPrivateKey('test://ring/key', {});
    expect(verify('sha256', message, publicKey, await key.sign(message))).toBe(true);
  });

  it.each([
    [`console.log(JSON.stringify({ errorMessage: 'no such key' }))`, 'no such key'],
    [`console.log('hello')`, 'its answer is not that of a key plug-in'],
    [`console.log('{}')`, 'it returned no public key'],
    [`console.log(JSON.stringify({ publicKey: { publicKeyPEM: 'bm8=' } }))`, 'returned no public key in PEM'],
  ])('that answers %s is refused', async (answer, problem) => {
    await plugin(answer);
    await expect(loadPrivateKey('test://ring/key', {})).rejects.toThrow(problem);
  });

  it('without a plug-in names the program', async () => {
    await expect(loadPrivateKey('nowhere://key', {})).rejects.toThrow('sigstore-kms-nowhere is not on PATH');
  });
});
