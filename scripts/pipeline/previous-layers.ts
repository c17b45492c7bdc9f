import { platformMatches } from '../image/platform.ts';
import { isDigest, parseConfig, parseIndex, parseManifest } from '../image/schema.ts';
import type { Descriptor, ImageStore } from '../image/types.ts';
import { mediaTypes } from '../image/types.ts';
import type { KnownLayer } from '../store/store.ts';
import { keys } from './annotations.ts';
import type { ImagePlan } from './plan-image.ts';

/** What an earlier image claims of its layers, by layer key. */
export interface PreviousLayers {
  /** The image; undefined when it cannot be read. */
  root?: Descriptor;
  layers: ReadonlyMap<string, KnownLayer>;
}

/**
 * The layer keys in the manifest annotations of an earlier image in the repository, with the layers' digests. Anyone
 * with write access can put any key there, so this is a hint, not a proof, unless the image is signed by a trusted
 * signer: such a layer is worth hashing before it is sent, because the registry probably has it. An unreadable image
 * gives no keys.
 */
export async function previousLayers(
  repository: ImageStore,
  tag: string,
  plan: ImagePlan,
): Promise<PreviousLayers> {
  const layers = new Map<string, KnownLayer>();
  try {
    const root = await repository.resolve(tag);
    if (root?.mediaType !== mediaTypes.index) return { layers };
    const { manifests } = parseIndex(await repository.read(root), tag);
    const ours = manifests.find((one) =>
      plan.bases.some((base) => one.platform && platformMatches(base.platform, one.platform)),
    );
    if (ours === undefined) return { layers };
    const manifest = parseManifest(await repository.read(ours), tag);
    const { rootfs } = parseConfig(await repository.read(manifest.config), tag);
    for (const [at, { annotations, digest, size }] of manifest.layers.entries()) {
      const key = annotations?.[keys.layerKey];
      const diffId = rootfs.diff_ids[at];
      if (key !== undefined && diffId !== undefined && isDigest(diffId))
        layers.set(key, { digest, size, diffId });
    }
    return { root, layers };
  } catch {
    return { layers };
  }
}
