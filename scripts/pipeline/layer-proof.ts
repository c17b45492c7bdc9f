import { ModelcarsError } from '../errors.ts';
import { mediaTypes } from '../image/types.ts';
import type { Check } from '../verify/check.ts';
import type { OwnImage } from './own-image.ts';
import type { Session } from './session.ts';

/**
 * Compares the layers of an image with those that the lock or the store know by the same key, so from the same files.
 * Returns the check that passed; undefined unless all are known. Fails with code `integrity` for a layer with other
 * bytes.
 */
export async function proveLayers(
  session: Pick<Session, 'layers'>,
  { layers }: OwnImage,
  name: string,
): Promise<Check | undefined> {
  let proven = 0;
  for (const { descriptor, diffId, key } of layers) {
    const { digest, size, mediaType } = descriptor;
    const known = await session.layers.get({ key, ...(mediaType === mediaTypes.layer && { size }) });
    if (known === undefined) continue;
    if (known.digest !== digest || known.diffId !== diffId)
      throw new ModelcarsError(
        'integrity',
        `rebase ${name}: its layer ${digest} claims files whose layer is ${known.digest} here`,
        { next: 'find out who pushed it; push the new version from its source: `modelcars push`' },
      );
    proven++;
  }
  if (proven < layers.length) return undefined;
  return {
    rule: 'model layers',
    text: `${proven} with the digests that the lock or this machine's store has`,
  };
}
