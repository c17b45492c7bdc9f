import pLimit from 'p-limit';
import { ModelcarsError } from '../errors.ts';
import { type Descriptor, type Digest, isManifest } from '../image/types.ts';
import { Referrers } from '../registry/referrers.ts';
import type { Repository } from '../registry/repository.ts';
import { type ImageTree, manifestsOf, type TreeReader } from './image-tree.ts';

/** Tags of cosign's older layout, beside an image: signatures, attestations, bills of materials. */
const suffixes = ['sig', 'att', 'sbom'] as const;

const parallelSubjects = 4;
/** Signatures of signatures: more levels than any tool makes. */
const mostLevels = 4;

export interface TaggedManifest {
  tag: string;
  /** The image that it belongs to. */
  subject: Digest;
  tree: ImageTree;
}

/** What belongs to an image without being part of it. */
export interface Companions {
  /** Manifests that name the image, one of its platforms or another referrer as subject; subjects come first. */
  referrers: (ImageTree & { subject: Digest })[];
  /** Manifests under tags of cosign's older layout, such as `sha256-….sig`. */
  tagged: TaggedManifest[];
}

/**
 * Finds the signatures and attestations of an image and of each platform, in both layouts. `warn` receives what is
 * listed and cannot be copied. Fails with code `limit` beyond the limits of `TreeReader` and four levels.
 */
export async function findCompanions(
  repository: Repository,
  image: ImageTree,
  reader: TreeReader,
  { signal, warn }: { signal: AbortSignal; warn(line: string): void },
): Promise<Companions> {
  const listing = new Referrers(repository, signal);
  const subjects = manifestsOf(image).map(({ descriptor }) => descriptor);
  const known = new Set(subjects.map(({ digest }) => digest));
  const slot = pLimit(parallelSubjects);
  const referrers: Companions['referrers'] = [];
  let level: Descriptor[] = subjects;
  for (let depth = 0; level.length > 0; depth++) {
    const found: Companions['referrers'] = [];
    const listed = await Promise.all(level.map(({ digest }) => slot(() => listing.list(digest))));
    for (const [at, descriptors] of listed.entries()) {
      const subject = level[at]?.digest as Digest;
      for (const descriptor of descriptors) {
        if (known.has(descriptor.digest)) continue;
        if (depth >= mostLevels) throw tooDeep(repository, subject);
        const tree = await readReferrer(repository, reader, descriptor, subject, warn);
        if (tree === undefined) continue;
        // Only now: a wrong entry in one list must not hide the right one in another.
        known.add(descriptor.digest);
        found.push(tree);
      }
    }
    referrers.push(...found);
    level = found.map(({ descriptor }) => descriptor);
  }
  const names = subjects.flatMap(({ digest }) =>
    suffixes.map((suffix) => ({ subject: digest, tag: `${digest.replace(':', '-')}.${suffix}` })),
  );
  const resolved = await Promise.all(names.map(({ tag }) => slot(() => repository.resolve(tag))));
  const tagged: TaggedManifest[] = [];
  for (const [at, name] of names.entries()) {
    const descriptor = resolved[at];
    if (descriptor !== undefined) tagged.push({ ...name, tree: await reader.read(descriptor) });
  }
  return { referrers, tagged };
}

/** A referrer; undefined for an entry of a list that is of an unknown type or does not refer to the subject. */
async function readReferrer(
  repository: Repository,
  reader: TreeReader,
  descriptor: Descriptor,
  subject: Digest,
  warn: (line: string) => void,
): Promise<Companions['referrers'][number] | undefined> {
  const { digest, mediaType } = descriptor;
  if (!isManifest(mediaType)) {
    warn(`${digest}, which refers to ${subject}, is not copied: its type is ${mediaType}`);
    return undefined;
  }
  const tree = await reader.read(descriptor).catch(async (error: unknown) => {
    // Tools that delete a manifest leave it in the list of the fallback tag.
    if ((await repository.resolve(digest)) !== undefined) throw error;
    return undefined;
  });
  if (tree === undefined) {
    warn(`${digest} is not copied: it is listed for ${subject}, and does not exist`);
    return undefined;
  }
  if (tree.subject === subject) return { ...tree, subject };
  warn(`${digest} is not copied: it is listed for ${subject}, and does not refer to it`);
  return undefined;
}

function tooDeep({ name }: Repository, subject: Digest): ModelcarsError {
  return new ModelcarsError(
    'limit',
    `list what refers to ${subject} in ${name}: signatures of signatures, more than ${mostLevels} levels deep`,
    { next: 'delete what is not needed' },
  );
}
