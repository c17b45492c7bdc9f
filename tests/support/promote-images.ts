/** An image in a fake registry, with signatures as cosign attaches them, and its promotion; for tests. */
import type { Content, Descriptor, Digest } from '../../scripts/image/types.ts';
import { mediaTypes } from '../../scripts/image/types.ts';
import { type PromoteOptions, promoteImages } from '../../scripts/pipeline/promote.ts';
import type { Promotion } from '../../scripts/pipeline/promotions.ts';
import type { Outcome } from '../../scripts/pipeline/types.ts';
import { Referrers } from '../../scripts/registry/referrers.ts';
import type { Repository } from '../../scripts/registry/repository.ts';
import { silent } from '../../scripts/terminal/progress.ts';
import { type Draft, makeImage, trueDraft } from './draft-image.ts';
import { type FakeRegistry, type FakeRequest, sha256, testClient } from './fake-registry.ts';

export interface Pushed {
  root: Descriptor;
  platforms: Descriptor[];
}

/** A valid image of two platforms that names its version. */
export function versioned(version: string): Draft {
  return {
    ...trueDraft(),
    editIndex: (index) => {
      index.annotations['org.opencontainers.image.version'] = version;
    },
  };
}

/** Stores a draft's image and points tags at it. */
export async function pushDraft(repository: Repository, draft: Draft, ...tags: string[]): Promise<Pushed> {
  const store = makeImage(draft);
  const root = store.tags.get('iris:v1') as Descriptor;
  const platforms: Descriptor[] = JSON.parse(String(store.blobs.get(root.digest))).manifests;
  for (const [digest, bytes] of store.blobs) {
    const found = [root, ...platforms].find((one) => one.digest === digest);
    if (found === undefined) await repository.write(contentFrom(bytes));
  }
  for (const one of [...platforms, root])
    await repository.write(contentFrom(store.blobs.get(one.digest) as Buffer, one.mediaType));
  for (const tag of tags) await repository.tag(tag, root);
  return { root, platforms };
}

/** Bytes as content; a blob by default. */
export function contentFrom(bytes: Uint8Array, mediaType = 'application/octet-stream'): Content {
  return {
    mediaType,
    digest: sha256(bytes),
    size: bytes.length,
    async *open(offset = 0) {
      yield bytes.subarray(offset);
    },
  };
}

/** Attaches a text, as cosign 3 attaches a bundle. */
export async function attach(repository: Repository, subject: Descriptor, text: string): Promise<Descriptor> {
  const listing = new Referrers(repository);
  const artifactType = 'application/vnd.dev.sigstore.bundle.v0.3+json';
  return await listing.attach(subject, { artifactType, content: Buffer.from(text), annotations: { text } });
}

/** Sets a tag `sha256-….sig` with one layer per signature, as older cosigns do. */
export async function signOlder(
  repository: Repository,
  { digest }: { digest: Digest },
  signatures: string[],
  suffix = 'sig',
): Promise<Descriptor> {
  const layers: Descriptor[] = [];
  for (const signature of signatures) {
    const layer = await repository.write(contentFrom(Buffer.from(`payload of ${digest}`)));
    layers.push({
      ...layer,
      mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
      annotations: { 'dev.cosignproject.cosign/signature': signature },
    });
  }
  const config = await repository.write(contentFrom(Buffer.from('{}')));
  const manifest = { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const stored = await repository.write(contentFrom(bytes, mediaTypes.manifest));
  await repository.tag(`${digest.replace(':', '-')}.${suffix}`, stored);
  return stored;
}

/** A promotion of `me/iris:v1.2.3` to `prod/iris`. */
export function promotionOf(from: FakeRegistry, to: FakeRegistry, more: Partial<Promotion> = {}): Promotion {
  return {
    name: 'iris',
    from: `${from.host}/me/iris`,
    reference: 'v1.2.3',
    to: `${to.host}/prod/iris`,
    version: 'v1.2.3',
    tags: [],
    floatingTags: true,
    ...more,
  };
}

/** Promotes one image; `warnings` are those that the user would see. */
export async function promoteOne(
  promotion: Promotion,
  options: Partial<PromoteOptions> = {},
): Promise<{ outcome: Outcome; warnings: string[] }> {
  const warnings: string[] = [];
  const [outcome] = await promoteImages({
    catalog: undefined,
    promotions: [promotion],
    verifyLayers: false,
    createRepository: false,
    dryRun: false,
    registry: {},
    signal: new AbortController().signal,
    progress: { task: () => silent, log() {}, warn: (line) => warnings.push(line), stop() {} },
    ...options,
  });
  if (outcome === undefined) throw new Error('no outcome');
  return { outcome, warnings };
}

/** A client of the tests, and the repository `me/iris` of a fake registry. */
export function openSource(fake: FakeRegistry): { repository: Repository } & AsyncDisposable {
  const client = testClient();
  return {
    repository: client.repository(`${fake.host}/me/iris`, { push: true }),
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** Requests that change something. */
export const writes = (fake: FakeRegistry): FakeRequest[] =>
  fake.requests.filter(({ method }) => !/^(GET|HEAD)$/.test(method));
/** The tags of a repository, sorted. */
export const tagsAt = (fake: FakeRegistry, name = 'prod/iris'): string[] =>
  [...fake.manifests.keys()]
    .filter((key) => key.startsWith(`${name} `) && !key.includes('sha256:'))
    .map((key) => key.split(' ')[1] ?? '')
    .sort();
/** Digests of everything that a repository has, manifests of fallback tags apart. */
export const contents = (fake: FakeRegistry, name: string): string[] => {
  const own = (key: string) => key.startsWith(`${name} sha256:`);
  const isFallback = (bytes: Buffer) => {
    const { manifests, annotations } = JSON.parse(String(bytes));
    return manifests !== undefined && annotations === undefined;
  };
  const manifests = [...fake.manifests].filter(([key, { bytes }]) => own(key) && !isFallback(bytes));
  return [...manifests.map(([key]) => key), ...[...fake.blobs.keys()].filter(own)]
    .map((key) => key.split(' ')[1] ?? '')
    .sort();
};

/** An image with a signature on each of its manifests, in both layouts, and one on a signature. */
export async function pushSigned(repository: Repository): Promise<Pushed & { signatures: Descriptor[] }> {
  const pushed = await pushDraft(repository, versioned('v1.2.3'), 'v1.2.3', 'latest');
  const signatures: Descriptor[] = [];
  for (const one of [pushed.root, ...pushed.platforms]) {
    signatures.push(await attach(repository, one, `signature of ${one.digest}`));
    await signOlder(repository, one, ['first']);
  }
  signatures.push(await attach(repository, pushed.root, 'attestation'));
  signatures.push(await attach(repository, signatures[0] as Descriptor, 'signature of a signature'));
  await signOlder(repository, pushed.root, ['attested'], 'att');
  await signOlder(repository, pushed.root, ['listed'], 'sbom');
  return { ...pushed, signatures };
}
