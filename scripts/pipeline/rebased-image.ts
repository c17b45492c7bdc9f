import type { Base } from '../bases/base-image.ts';
import type { Document, ImageDescription } from '../image/manifest.ts';
import { formatPlatform } from '../image/platform.ts';
import type { Descriptor, ImageStore } from '../image/types.ts';
import type { LockedBase, Model } from '../model/types.ts';
import { isVersionTag } from '../registry/tag-policy.ts';
import { documentsOf, measure } from './assemble.ts';
import type { OwnImage } from './own-image.ts';

/** An image on another base, before it is written. */
export interface RebasedImage {
  index: Document;
  /** Configs and manifests. */
  documents: Document[];
  bases: Base[];
  /** Platform → manifest digest. */
  pins: LockedBase;
  /** Bytes of all distinct layers of all platforms. */
  size: number;
  /** Layers of one platform, base included. */
  layers: number;
}

const prefix = 'org.opencontainers.image';

/**
 * The image that a push of the same model files on other bases makes: the earlier image's model layers and annotations,
 * with another version and base. Its time stays: it is that of the files in the layers.
 */
export function rebasedImage(
  own: OwnImage,
  bases: Base[],
  model: Pick<Model, 'base' | 'version'>,
): RebasedImage {
  const description: ImageDescription = { created: own.created, annotations: annotationsOn(own, model) };
  const made = documentsOf({ bases, description }, own.layers);
  const pins = Object.fromEntries(bases.map(({ platform, digest }) => [formatPlatform(platform), digest]));
  return { ...made, bases, pins, ...measure({ bases }, own.layers) };
}

/** Whether the image is on these bases already. */
export function isOn(own: OwnImage, bases: readonly Base[], name: string): boolean {
  return own.base === name && own.platforms.every(({ base }, at) => base === bases[at]?.digest);
}

/** A version that is none, such as a date, comes from `annotations:` of the catalog and stays, as in a push. */
function annotationsOn(
  { annotations }: OwnImage,
  { base, version }: Pick<Model, 'base' | 'version'>,
): Record<string, string> {
  const before = annotations[`${prefix}.version`];
  const stays = version === undefined || (before !== undefined && !isVersionTag(before));
  return {
    ...annotations,
    ...(!stays && { [`${prefix}.version`]: version }),
    [`${prefix}.base.name`]: base,
  };
}

/** The image as a store, to verify it before it is written: its documents, and the layers of its bases. */
export function asStore({ index, documents, bases }: RebasedImage): ImageStore {
  const contents = new Map(
    [index, ...documents, ...bases.flatMap((base) => base.contents)].map((one) => [one.digest, one]),
  );
  const bytes = new Map([index, ...documents].map((one) => [one.digest, one.bytes]));
  return {
    resolve: async (name) => (name === index.digest ? index.descriptor : undefined),
    read: async ({ digest }: Descriptor) => bytes.get(digest) ?? Buffer.alloc(0),
    async *open({ digest }, offset, signal) {
      yield* contents.get(digest)?.open(offset, signal) ?? [];
    },
  };
}
