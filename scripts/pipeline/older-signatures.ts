import { ModelcarsError } from '../errors.ts';
import { parseManifest } from '../image/schema.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';
import type { Repository } from '../registry/repository.ts';
import type { ImageTree } from './image-tree.ts';

/**
 * Whether a tag of cosign's older layout has to be set at the destination: it does not exist, or the source's has all of
 * its signatures and more. A signature is a layer with its annotations. Fails with code `registry` when the destination
 * has signatures that the source lacks, and the other way round: setting the tag would drop them.
 */
export async function missingLayers(
  from: Repository,
  to: Repository,
  { tag, tree }: { tag: string; tree: ImageTree },
): Promise<boolean> {
  const present = await to.resolve(tag);
  if (present === undefined) return true;
  if (present.digest === tree.descriptor.digest) return false;
  const theirs = signaturesOf(await to.read(present), present);
  const ours = signaturesOf(tree.bytes, tree.descriptor);
  if (isWithin(ours, theirs)) return false;
  if (isWithin(theirs, ours)) return true;
  throw new ModelcarsError(
    'registry',
    `promote ${from.name}: its tag ${tag} has signatures that ${to.name} lacks, and the other way round`,
    { next: `delete ${to.name}:${tag}, promote again, then sign there again` },
  );
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
