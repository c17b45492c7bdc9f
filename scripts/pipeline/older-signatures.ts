import { ModelcarsError } from '../errors.ts';
import { parseManifest } from '../image/schema.ts';
import { type Descriptor, type Digest, mediaTypes } from '../image/types.ts';
import type { Repository } from '../registry/repository.ts';
import { readOlder, signatureTag } from '../trust/older-layout.ts';
import type { TaggedManifest } from './companions.ts';

/**
 * What to do at the destination about a tag of cosign's older layout: `set` it where the source's has all of its
 * signatures and more, or it does not exist; `merge` signatures that only one of the two has; undefined when nothing is
 * missing. Fails with code `registry` on attestations of which both have some that the other lacks.
 */
export async function planOlder(
  from: Repository,
  to: Repository,
  { tag, subject, tree }: TaggedManifest,
): Promise<'set' | 'merge' | undefined> {
  const present = await to.resolve(tag);
  if (present === undefined) return 'set';
  if (present.digest === tree.descriptor.digest) return undefined;
  const theirs = signaturesOf(await to.read(present), present);
  const ours = signaturesOf(tree.bytes, tree.descriptor);
  if (isWithin(ours, theirs)) return undefined;
  if (isWithin(theirs, ours)) return 'set';
  if (tag === signatureTag(subject)) return 'merge';
  throw new ModelcarsError(
    'registry',
    `promote ${from.name}: its tag ${tag} has attestations that ${to.name} lacks, and the other way round`,
    { next: `delete ${to.name}:${tag}, promote again, then attest there again` },
  );
}

/** Adds the source's signatures of an image to those of the destination. */
export async function mergeOlder(
  from: Repository,
  to: Repository,
  subject: Digest,
  signal: AbortSignal,
): Promise<void> {
  const { attachOlder } = await import('../trust/signing/attach-older.ts');
  const { signatures } = await readOlder(from, subject);
  await attachOlder(to, subject, signatures, signal);
}

/** Each signature as a text. Anything but a manifest is one. */
function signaturesOf(bytes: Uint8Array, { digest, mediaType }: Descriptor): Set<string> {
  if (mediaType !== mediaTypes.manifest) return new Set([digest]);
  const { layers } = parseManifest(bytes, digest);
  return new Set(
    layers.map((layer) => JSON.stringify([layer.digest, Object.entries(layer.annotations ?? {}).sort()])),
  );
}

function isWithin(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  return [...some].every((one) => all.has(one));
}
