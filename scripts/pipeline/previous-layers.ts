import { platformMatches } from '../image/platform.ts';
import { parseIndex, parseManifest } from '../image/schema.ts';
import type { ImageStore } from '../image/types.ts';
import { mediaTypes } from '../image/types.ts';
import { keys } from './annotations.ts';
import type { ImagePlan } from './plan-image.ts';

/**
 * The keys of a plan's layers that an image in the repository claims to have, by its manifest's annotations. Whoever may write there can
 * claim anything, so this is a hint and no proof: a claimed layer is worth reading for its digest before it is sent,
 * because it probably need not be. An image that cannot be read claims nothing.
 */
export async function previousLayers(
  repository: ImageStore,
  tag: string,
  plan: ImagePlan,
): Promise<Set<string>> {
  const claimed = new Set<string>();
  try {
    const root = await repository.resolve(tag);
    if (root?.mediaType !== mediaTypes.index) return claimed;
    const { manifests } = parseIndex(await repository.read(root), tag);
    const ours = manifests.find((one) =>
      plan.bases.some((base) => one.platform && platformMatches(base.platform, one.platform)),
    );
    if (ours === undefined) return claimed;
    const { layers } = parseManifest(await repository.read(ours), tag);
    for (const { annotations } of layers) {
      const key = annotations?.[keys.layerKey];
      if (key !== undefined) claimed.add(key);
    }
  } catch {
    return claimed;
  }
  return claimed;
}
