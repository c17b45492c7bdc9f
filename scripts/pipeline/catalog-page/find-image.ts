import parse from 'semver/functions/parse.js';
import rcompare from 'semver/functions/rcompare.js';
import { formatPlatform } from '../../image/platform.ts';
import { parseIndex, parseManifest } from '../../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../../image/types.ts';
import type { Model } from '../../model/types.ts';
import type { Attestation, PublishedVersion, SignatureState } from '../../model-catalog/types.ts';
import type { BundleVerifier } from '../../trust/verification/bundle-verifier.ts';
import { repositoryName } from '../image-names.ts';
import type { OpenedImages } from '../open-images.ts';
import type { Session } from '../session.ts';
import { examineSignatures } from './examine-signatures.ts';

/** What an existing image says of itself, and what its registry has besides. */
export interface FoundFacts {
  store: ImageStore;
  root: Descriptor;
  digest: string;
  /** Bytes of one platform's layers, as stored. */
  size: number;
  platforms: string[];
  /** Of the source, as the image states it. */
  revision: string | undefined;
  signature: SignatureState;
  attestations: Attestation[];
  versions: PublishedVersion[];
  moreVersions: number;
}

/** Versions whose digest is looked up: a repository can have thousands of tags. */
const mostVersions = 10;

/** Reads a model's image; undefined when the location has none. Its files and layers are not verified. */
export async function findImage(
  session: Session,
  model: Model,
  images: OpenedImages,
  { isRemote, verifier }: { isRemote: boolean; verifier: BundleVerifier | undefined },
): Promise<FoundFacts | undefined> {
  const root = await images.find(model);
  if (root === undefined) return undefined;
  const { store, name } = images.address(model);
  const facts = await describe(store, root, name);
  const common = { store, root, digest: root.digest, ...facts };
  if (!isRemote)
    return { ...common, signature: { state: 'unexamined' }, attestations: [], versions: [], moreVersions: 0 };
  const repository = (await session.client()).repository(repositoryName(model));
  const { signal } = session.options;
  return {
    ...common,
    ...(await examineSignatures(repository, root, verifier, signal)),
    ...(await versionsOf(repository)),
  };
}

async function describe(
  store: ImageStore,
  root: Descriptor,
  name: string,
): Promise<Pick<FoundFacts, 'size' | 'platforms' | 'revision'>> {
  const isIndex = root.mediaType === mediaTypes.index || root.mediaType === mediaTypes.dockerIndex;
  const index = isIndex ? parseIndex(await store.read(root), name) : undefined;
  const [first = root] = index?.manifests ?? [];
  const { layers, annotations } = parseManifest(await store.read(first), name);
  const platforms = index?.manifests.flatMap(({ platform }) => (platform ? [formatPlatform(platform)] : []));
  return {
    size: layers.reduce((sum, { size }) => sum + size, 0),
    platforms: platforms ?? [],
    revision: (index?.annotations ?? annotations)?.['org.opencontainers.image.revision'],
  };
}

/** The newest versions among a repository's tags, by semver. */
async function versionsOf(repository: {
  tags(): Promise<string[]>;
  resolve(tag: string): Promise<Descriptor | undefined>;
}): Promise<Pick<FoundFacts, 'versions' | 'moreVersions'>> {
  const tags = (await repository.tags())
    .filter((tag) => parse(tag) !== null)
    .sort((one, other) => rcompare(one, other) || (one < other ? 1 : -1));
  const versions: PublishedVersion[] = [];
  for (const tag of tags.slice(0, mostVersions)) {
    const found = await repository.resolve(tag);
    if (found !== undefined) versions.push({ tag, digest: found.digest });
  }
  return { versions, moreVersions: Math.max(0, tags.length - mostVersions) };
}
