import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure } from '../../../tests/support/outcome.ts';
import { makePolicy } from './make-policy.ts';
import { policyInput, policyName } from './policy-input.ts';
import { type PolicyInput, type PolicyKind, policyKinds } from './types.ts';

let folder: string;
let pem: string;
const workflow = 'https://github.com/me/models/.github/workflows/push.yml@refs/heads/main';
const issuer = 'https://token.actions.githubusercontent.com';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-policy-'));
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  await writeFile(join(folder, 'cosign.pub'), pem);
  await writeFile(join(folder, 'cosign.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(join(folder, 'root.json'), JSON.stringify(trustedRoot()));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

const key = () => ({ key: join(folder, 'cosign.pub') });
const root = () => join(folder, 'root.json');
const prefixes = ['quay.io/me'];

/** The first object's spec, as data. */
function specOf(kind: PolicyKind, input: PolicyInput) {
  const { objects } = makePolicy(kind, input);
  return JSON.parse(JSON.stringify(objects.at(-1)?.spec));
}

describe('the input', () => {
  it('has each prefix once, and a name of its own per catalog', async () => {
    const input = await policyInput({ signers: [key()] }, ['quay.io/me', 'ghcr.io/me', 'quay.io/me']);
    expect(input).toEqual({
      name: 'modelcars-ghcr-io-me-quay-io-me',
      prefixes: ['ghcr.io/me', 'quay.io/me'],
      signers: [{ key: pem, transparencyLog: false }],
    });
    const long = policyName([`quay.io/${'a'.repeat(100)}`]);
    expect(long).toMatch(/^modelcars-quay-io-a+-[0-9a-f]{8}$/);
    expect(long).toHaveLength(63);
    expect(long).not.toBe(policyName([`quay.io/${'a'.repeat(101)}`]));
  });

  it('anchors patterns, which consumers search for anywhere', async () => {
    const signer = { identityPattern: 'https://github.com/me/.*|x', issuer };
    expect((await policyInput({ signers: [signer] }, prefixes)).signers).toEqual([
      { issuer, pattern: '^(?:https://github.com/me/.*|x)$' },
    ]);
  });

  it.each(['(?!x)a', '(?<=a)b', '(a)\\1', '\\u0041'])('refuses %s, which Go cannot read', async (pattern) => {
    const signers = [{ identityPattern: pattern, issuer }];
    expect(await failure(policyInput({ signers }, prefixes))).toMatchObject({ code: 'trust' });
  });

  it('has no private Sigstore when only keys sign', async () => {
    expect((await policyInput({ signers: [key()], trustedRoot: root() }, prefixes)).root).toBeUndefined();
    const logged = { ...key(), transparencyLog: true as const };
    expect((await policyInput({ signers: [logged], trustedRoot: root() }, prefixes)).root).toBeDefined();
  });

  it('takes the log that is in use now', async () => {
    const signers = [{ identity: workflow, issuer }];
    const { root: found } = await policyInput({ signers, trustedRoot: root() }, prefixes);
    expect(found?.rekor).toEqual({
      url: 'https://rekor.example',
      key: '-----BEGIN PUBLIC KEY-----\nbmV3ZXI=\n-----END PUBLIC KEY-----\n',
    });
    expect(found?.authorities[0]?.chain).toBe(
      `-----BEGIN CERTIFICATE-----\n${'QUFB'.repeat(16)}\n${'QUFB'.repeat(4)}\n-----END CERTIFICATE-----\n`,
    );
  });

  it('refuses a private key', async () => {
    const signers = [{ key: join(folder, 'cosign.key') }];
    expect(await failure(policyInput({ signers }, prefixes))).toMatchObject({ code: 'trust' });
  });
});

it.each(policyKinds)(
  '%s: images of every prefix need any one of the signers, and no private key is shown',
  async (kind) => {
    const signers = [key(), { identity: workflow, issuer }];
    const input = await policyInput({ signers }, ['quay.io/me', 'ghcr.io/me']);
    const { objects, notes } = makePolicy(kind, input);
    const text = JSON.stringify(objects);
    for (const prefix of input.prefixes) expect(text).toContain(prefix);
    expect(text).toContain(
      kind === 'openshift' ? Buffer.from(pem).toString('base64') : JSON.stringify(pem).slice(1, -1),
    );
    expect(notes[0]).toMatch(/^For /);
    expect(text).not.toContain('PRIVATE KEY');
  },
);

describe('kyverno', () => {
  it('accepts no mere attestation, replaces no reference, and needs a digest', async () => {
    const input = await policyInput({ signers: [key(), { identity: workflow, issuer }] }, prefixes);
    const { rules, failurePolicy } = specOf('kyverno', input);
    expect(failurePolicy).toBe('Fail');
    expect(rules.map(({ name }: { name: string }) => name)).toEqual([
      'containers',
      'image-volumes',
      'inference-services',
    ]);
    for (const { verifyImages } of rules) {
      const [verification, ...more] = verifyImages;
      expect(more).toEqual([]);
      expect(verification).toMatchObject({
        type: 'SigstoreBundle',
        imageReferences: ['quay.io/me/*'],
        failureAction: 'Enforce',
        mutateDigest: false,
        verifyDigest: true,
        required: true,
      });
      expect(verification.attestors).toBeUndefined();
      const [{ type, attestors }] = verification.attestations;
      expect(type).toBe('https://sigstore.dev/cosign/sign/v1');
      expect(attestors).toEqual([
        {
          count: 1,
          entries: [
            {
              keys: {
                publicKeys: pem,
                rekor: { url: 'https://rekor.sigstore.dev', ignoreTlog: true },
                ctlog: { ignoreSCT: true },
              },
            },
            { keyless: { issuer, subject: workflow, rekor: { url: 'https://rekor.sigstore.dev' } } },
          ],
        },
      ]);
    }
    const names = rules[2].imageExtractors.InferenceService.map(({ name }: { name: string }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('has a private Sigstore in the policy, for the older layout', async () => {
    const input = await policyInput(
      { signers: [{ identity: workflow, issuer }], trustedRoot: root() },
      prefixes,
    );
    const { rules } = specOf('kyverno', input);
    expect(rules[0].verifyImages[0]).toMatchObject({
      type: 'Cosign',
      attestors: [
        {
          entries: [
            {
              keyless: {
                roots: input.root?.authorities[0]?.chain,
                rekor: { url: 'https://rekor.example', pubkey: input.root?.rekor?.key },
                ctlog: { ignoreSCT: true },
              },
            },
          ],
        },
      ],
    });
  });
});

describe('openshift', () => {
  it('names a key, with its log when it must be in one', async () => {
    const signer = { ...key(), transparencyLog: true as const };
    const input = await policyInput({ signers: [signer], trustedRoot: root() }, prefixes);
    expect(specOf('openshift', input).policy.rootOfTrust).toEqual({
      policyType: 'PublicKey',
      publicKey: {
        keyData: Buffer.from(pem).toString('base64'),
        rekorKeyData: Buffer.from(input.root?.rekor?.key ?? '').toString('base64'),
      },
    });
  });

  it('names an e-mail address with its Fulcio, which has to be given', async () => {
    const signers = [{ identity: 'me@example.com', issuer }];
    const input = await policyInput({ signers, trustedRoot: root() }, prefixes);
    expect(specOf('openshift', input).policy.rootOfTrust).toMatchObject({
      policyType: 'FulcioCAWithRekor',
      fulcioCAWithRekor: { fulcioSubject: { oidcIssuer: issuer, signedEmail: 'me@example.com' } },
    });
    const without = await policyInput({ signers }, prefixes);
    expect(() => makePolicy('openshift', without)).toThrow('`trust:` has no `trustedRoot`');
  });

  it('leaves out what it cannot name, and refuses two that it can', async () => {
    const identity = { identity: workflow, issuer };
    const both = makePolicy('openshift', await policyInput({ signers: [key(), identity] }, prefixes));
    expect(both.notes.at(-1)).toBe(`Left out: ${workflow}. OpenShift names e-mail addresses only.`);
    const none = await policyInput({ signers: [identity] }, prefixes);
    expect(() => makePolicy('openshift', none)).toThrow('has 0 signers that it can name');
    const two = await policyInput({ signers: [key(), key()] }, prefixes);
    expect(() => makePolicy('openshift', two)).toThrow('has 2 signers that it can name');
  });
});

describe('sigstore', () => {
  it('has each signer as an authority of the older layout', async () => {
    const input = await policyInput({ signers: [key(), { identity: workflow, issuer }] }, prefixes);
    expect(specOf('sigstore', input)).toEqual({
      mode: 'enforce',
      images: [{ glob: 'quay.io/me/**' }],
      authorities: [
        { name: 'signer-0', key: { data: pem, hashAlgorithm: 'sha256' } },
        {
          name: 'signer-1',
          keyless: { url: 'https://fulcio.sigstore.dev', identities: [{ issuer, subject: workflow }] },
          ctlog: { url: 'https://rekor.sigstore.dev' },
        },
      ],
    });
  });

  it('has a TrustRoot for a private Sigstore', async () => {
    const signers = [{ identity: workflow, issuer }];
    const { objects } = makePolicy('sigstore', await policyInput({ signers, trustedRoot: root() }, prefixes));
    expect(objects.map(({ kind, metadata: { name } }) => [kind, name])).toEqual([
      ['TrustRoot', 'modelcars-quay-io-me'],
      ['ClusterImagePolicy', 'modelcars-quay-io-me'],
    ]);
    expect(JSON.stringify(objects[1])).toContain('"trustRootRef":"modelcars-quay-io-me"');
  });
});

/** A private Sigstore: an authority, and a log with an old key and a new one. */
function trustedRoot(): object {
  const log = (key: string, start: string, end?: string) => ({
    baseUrl: 'https://rekor.example',
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: Buffer.from(key).toString('base64'),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
      validFor: { start, ...(end && { end }) },
    },
    logId: { keyId: '' },
  });
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [
      log('older', '2020-01-01T00:00:00Z', '2021-01-01T00:00:00Z'),
      log('newer', '2021-01-01T00:00:00Z'),
      log('later', '2999-01-01T00:00:00Z'),
    ],
    certificateAuthorities: [
      {
        subject: { organization: 'example', commonName: 'fulcio' },
        uri: 'https://fulcio.example',
        certChain: { certificates: [{ rawBytes: Buffer.from('A'.repeat(60)).toString('base64') }] },
        validFor: { start: '2020-01-01T00:00:00Z' },
      },
    ],
    ctlogs: [],
    timestampAuthorities: [],
  };
}
