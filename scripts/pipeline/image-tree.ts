import { ModelcarsError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import { parseIndex, parseManifest } from '../image/schema.ts';
import { type Descriptor, type Digest, type ImageStore, isManifest, mediaTypes } from '../image/types.ts';

/** A manifest or index, with what has to be stored before it. */
export interface ImageTree {
  descriptor: Descriptor;
  bytes: Uint8Array;
  /** The manifests that an index lists. */
  children: ImageTree[];
  /** Config and layers of a manifest. */
  blobs: Descriptor[];
  artifactType: string;
  /** The image that it refers to. */
  subject: Digest | undefined;
  annotations: Record<string, string>;
}

/** Reads trees of manifests, within limits for all that one image brings along. */
export class TreeReader {
  readonly #store: ImageStore;
  readonly #name: string;
  #manifests = 0;
  #bytes = 0;

  /** `name` is the image, for messages. */
  constructor(store: ImageStore, name: string) {
    this.#store = store;
    this.#name = name;
  }

  /**
   * A manifest, or an index with all that it lists. Fails with code `integrity` on a malformed one, and with code
   * `limit` when the image has more than 2000 manifests, 64 MiB of them, or indexes in indexes in indexes.
   */
  async read(descriptor: Descriptor, depth = 0): Promise<ImageTree> {
    this.#manifests++;
    this.#bytes += descriptor.size;
    if (this.#manifests > 2000 || this.#bytes > 64 * 1024 ** 2 || depth > 2)
      throw new ModelcarsError(
        'limit',
        `read ${this.#name}: it has more than 2000 manifests, 64 MiB of them, or three levels of indexes`,
        { next: 'delete signatures and attestations that are no longer needed' },
      );
    const bytes = await this.#store.read(descriptor);
    const { mediaType, digest } = descriptor;
    const isIndex = mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex;
    if (!isIndex) {
      const { config, layers, ...rest } = parseManifest(bytes, digest);
      return { descriptor, bytes, children: [], blobs: [config, ...layers], ...described(rest, config) };
    }
    const { manifests, ...rest } = parseIndex(bytes, digest);
    const children: ImageTree[] = [];
    for (const child of manifests) {
      if (!isManifest(child.mediaType))
        throw new ModelcarsError(
          'integrity',
          `read ${this.#name}: its index ${digest} lists ${child.digest}, which is no image`,
        );
      children.push(await this.read(child, depth + 1));
    }
    return { descriptor, bytes, children, blobs: [], ...described(rest) };
  }
}

/** A tree's manifests: those that an index lists before the index. */
export function manifestsOf(tree: ImageTree): ImageTree[] {
  return [...tree.children.flatMap(manifestsOf), tree];
}

/** The distinct blobs of trees. */
export function blobsOf(trees: readonly ImageTree[]): Descriptor[] {
  const blobs = trees.flatMap(manifestsOf).flatMap((tree) => tree.blobs);
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

/** Platforms, bytes and layers, as in the outcome of a push. */
export function measureImage(image: ImageTree): { size: number; layers: number; platforms?: string[] } {
  const configs = new Set<Digest>(
    manifestsOf(image).flatMap(({ blobs: [config] }) => (config ? [config.digest] : [])),
  );
  const layers = blobsOf([image]).filter(({ digest }) => !configs.has(digest));
  const platforms = image.children.flatMap(({ descriptor: { platform } }) => platform ?? []);
  return {
    size: layers.reduce((sum, { size }) => sum + size, 0),
    layers: Math.max(...manifestsOf(image).map(({ blobs }) => Math.max(blobs.length - 1, 0))),
    ...(image.descriptor.mediaType === mediaTypes.index && { platforms: platforms.map(formatPlatform) }),
  };
}

/** An artifact without `artifactType` has the type of its config (distribution-spec, "Listing Referrers"). */
function described(
  document: { artifactType?: string; subject?: Descriptor; annotations?: Record<string, string> },
  config?: Descriptor,
): Pick<ImageTree, 'artifactType' | 'subject' | 'annotations'> {
  const { artifactType = config?.mediaType ?? '', subject, annotations = {} } = document;
  return { artifactType, subject: subject?.digest, annotations };
}
