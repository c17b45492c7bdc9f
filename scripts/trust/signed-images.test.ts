import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identityToken, issuer, type Sigstore, startSigstore } from '../../tests/parts/sigstore.ts';
import {
  contentOf,
  type FakeRegistry,
  refuse,
  sha256,
  startFake,
  testClient,
} from '../../tests/support/fake-registry.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';
import type { Trust } from '../model/trust.ts';
import type { RegistryClient } from '../registry/client.ts';
import { Referrers } from '../registry/referrers.ts';
import { statementBytes } from './attestations/statement.ts';
import { signatureTag } from './older-layout.ts';
import {
  bundleAnnotations,
  bundleType,
  signaturePredicate,
  signatureStatement,
} from './signature-statement.ts';
import { ownSignatures } from './signing/own-signatures.ts';
import { signImages } from './signing/sign-image.ts';
import { openSigner, type Signer } from './signing/signer.ts';
import { BundleVerifier } from './verification/bundle-verifier.ts';
import { type FoundSignatures, findSignatures } from './verification/find-signatures.ts';

const who = 'https://github.com/me/models/.github/workflows/push.yml@refs/heads/main';
const provenance = {
  _type: 'https://in-toto.io/Statement/v1' as const,
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: {},
};

let folder: string;
let sigstore: Sigstore;
let fake: FakeRegistry;
let client: RegistryClient;
let image: Descriptor;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelcars-signed-'));
  sigstore = await startSigstore(folder);
  await writeFile(join(folder, 'token'), identityToken({ sub: who }));
  for (const name of ['own', 'other']) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    await writeFile(join(folder, `${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await writeFile(join(folder, `${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
  }
});
afterAll(async () => {
  await sigstore[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  fake = await startFake({ referrersPage: 100 });
  client = testClient();
  image = await put('an image');
});
afterEach(async () => {
  await client.close();
  await fake[Symbol.asyncDispose]();
});

const repository = () => client.repository(`${fake.host}/me/iris`);

/** A manifest that is unlike the others. */
async function put(text: string): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [], annotations: { text } }));
  const descriptor = { mediaType: mediaTypes.index, digest: sha256(bytes), size: bytes.length };
  await repository().write(contentOf(bytes, descriptor));
  return descriptor;
}

const byKey = (name: string): Promise<Signer> => openSigner({ key: join(folder, `${name}.key`), env: {} });
const byIdentity = (options = {}): Promise<Signer> =>
  openSigner({
    identityToken: join(folder, 'token'),
    fulcioUrl: sigstore.url,
    rekorUrl: sigstore.url,
    env: {},
    ...options,
  });

async function sign(opening: Promise<Signer>, images = [image]) {
  const signer = await opening;
  const own = await ownSignatures(signer, sigstore.trustedRoot);
  const referrers = new Referrers(repository());
  const request = { repository: repository(), referrers, images, signer, own, statements: [] };
  const { signatures } = await signImages(request);
  await signer.close();
  return signatures;
}

async function find(signers: Trust['signers'], of = image): Promise<FoundSignatures> {
  const verifier = await BundleVerifier.open({ signers, trustedRoot: sigstore.trustedRoot });
  return await findSignatures(repository(), new Referrers(repository()), of, verifier);
}

const key = (name: string) => ({ key: join(folder, `${name}.pub`) });
const layoutsOf = ({ signatures }: FoundSignatures) => signatures.map(({ layout }) => layout);

describe.each<[string, () => Promise<Signer>, () => Trust['signers'][number]]>([
  ['a key', () => byKey('own'), () => key('own')],
  [
    'a key and a log',
    () => openSigner({ key: join(folder, 'own.key'), rekorUrl: sigstore.url, env: {} }),
    () => ({ ...key('own'), transparencyLog: true }),
  ],
  ['an identity', () => byIdentity(), () => ({ identity: who, issuer })],
  [
    'an identity with a timestamp',
    () => byIdentity({ timestampUrl: sigstore.url }),
    () => ({ identity: who, issuer }),
  ],
  [
    'an identity by a pattern',
    () => byIdentity(),
    () => ({ identityPattern: 'https://github\\.com/me/.*', issuer }),
  ],
])('signed by %s', (_, signer, trusted) => {
  it('is found in both layouts, and not signed again', async () => {
    expect(await sign(signer())).toEqual({ made: 2, existing: 0 });
    expect(layoutsOf(await find([trusted()]))).toEqual(['bundle', 'older']);
    expect(await sign(signer())).toEqual({ made: 0, existing: 2 });
  });
});

describe('an image is not signed', () => {
  it('by another key, identity or issuer', async () => {
    await sign(byKey('own'));
    await sign(byIdentity());
    for (const signer of [
      key('other'),
      { identity: 'https://github.com/me', issuer },
      { identityPattern: 'https://github', issuer },
      { identity: who, issuer: 'https://example.com' },
    ]) {
      const found = await find([signer]);
      expect(found.signatures).toEqual([]);
      expect(found.reasons.length).toBe(4);
    }
    const both = await find([key('other'), key('own')]);
    expect(both.signatures.map(({ by }) => basename(by))).toEqual(['own.pub', 'own.pub']);
  });

  it('without a log where the trust requires one', async () => {
    await sign(byKey('own'));
    expect((await find([{ ...key('own'), transparencyLog: true }])).signatures).toEqual([]);
  });

  it('by an attestation', async () => {
    const signer = await byKey('own');
    const subject = [{ name: 'iris', digest: { sha256: image.digest.slice(7) } }];
    const content = await signer.signStatement(statementBytes({ ...provenance, subject }));
    const annotations = bundleAnnotations(provenance.predicateType);
    await new Referrers(repository()).attach(image, { artifactType: bundleType, content, annotations });
    const found = await find([key('own')]);
    expect(found.signatures).toEqual([]);
    expect(found.attestations).toMatchObject([{ predicateType: provenance.predicateType }]);
  });

  it('by the signature of another image, attached to it', async () => {
    const other = await put('another image');
    const signer = await byKey('own');
    const content = await signer.signStatement(signatureStatement(other.digest));
    const annotations = bundleAnnotations(signaturePredicate);
    await new Referrers(repository()).attach(image, { artifactType: bundleType, content, annotations });
    await sign(byKey('own'), [other]);
    const theirs = fake.manifests.get(`me/iris ${signatureTag(other.digest)}`);
    if (theirs) fake.manifests.set(`me/iris ${signatureTag(image.digest)}`, theirs);
    const found = await find([key('own')]);
    expect(found).toMatchObject({ signatures: [], attestations: [] });
    expect(found.reasons).toEqual(['it is about another image', 'it is about another image']);
  });
});

it("ignores a stranger's malformed documents, and finds the signature among them", async () => {
  const referrers = new Referrers(repository());
  const annotations = bundleAnnotations(signaturePredicate);
  for (const text of ['', 'nonsense', '{}', '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}'])
    await referrers.attach(image, { artifactType: bundleType, content: Buffer.from(text), annotations });
  const layer = {
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
    digest: sha256(Buffer.from('{}')),
    size: 2,
  };
  await repository().write(contentOf(Buffer.from('{}'), layer));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: layer,
      layers: [{ ...layer, annotations: { 'dev.sigstore.cosign/certificate': 'nonsense' } }],
    }),
  );
  await repository().tag(
    signatureTag(image.digest),
    await repository().write(
      contentOf(manifest, {
        mediaType: mediaTypes.manifest,
        digest: sha256(manifest),
        size: manifest.length,
      }),
    ),
  );
  expect(await sign(byKey('own'))).toEqual({ made: 2, existing: 0 });
  expect(layoutsOf(await find([key('own')]))).toEqual(['bundle', 'older']);
  // The stranger's layer stays in the tag.
  const tag = JSON.parse(String(fake.manifests.get(`me/iris ${signatureTag(image.digest)}`)?.bytes));
  expect(tag.layers.length).toBe(2);
});

it('attests each kind of statement once, of the first image', async () => {
  const signer = await byKey('own');
  const own = await ownSignatures(signer, undefined);
  const other = await put('a platform');
  const subject = [{ name: 'iris', digest: { sha256: image.digest.slice(7) } }];
  const run = () => {
    const request = { repository: repository(), referrers: new Referrers(repository()), signer, own };
    return signImages({ ...request, images: [image, other], statements: [{ ...provenance, subject }] });
  };
  expect(await run()).toEqual({
    signatures: { made: 4, existing: 0 },
    attestations: { made: 1, existing: 0 },
  });
  expect(await run()).toEqual({
    signatures: { made: 0, existing: 4 },
    attestations: { made: 0, existing: 1 },
  });
  expect((await find([key('own')], other)).attestations).toEqual([]);
});

it('names the manifest that a registry without artifacts refuses, and completes when it takes it', async () => {
  let refuses = true;
  await fake[Symbol.asyncDispose]();
  await client.close();
  fake = await startFake({
    intercept: (request, response) =>
      refuses &&
      request.method === 'PUT' &&
      request.url?.includes('/manifests/sha256:') &&
      image !== undefined
        ? refuse(response, 400, 'MANIFEST_INVALID')
        : undefined,
  });
  client = testClient();
  refuses = false;
  image = await put('an image');
  refuses = true;
  await expect(sign(byKey('own'))).rejects.toThrow(/^push manifest sha256:\w+ to /);
  expect((await find([key('own')])).signatures).toEqual([]);
  refuses = false;
  expect(await sign(byKey('own'))).toEqual({ made: 2, existing: 0 });
});

it('loses no signature of two signers at the same time', async () => {
  await Promise.all([sign(byKey('own')), sign(byKey('other'))]);
  expect(layoutsOf(await find([key('own')]))).toEqual(['bundle', 'older']);
  expect(layoutsOf(await find([key('other')]))).toEqual(['bundle', 'older']);
});
