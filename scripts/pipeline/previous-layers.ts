import { platformMatches } from '../image/platform.ts';
import { parseIndex, parseManifest } from '../image/schema.ts';
import type { ImageStore } from '../image/types.ts';
import { mediaTypes } from '../image/types.ts';
import { keys } from './annotations.ts';
import type { ImagePlan } from './plan-image.ts';

/**
 * The layer keys in the manifest annotations of an earlier image in the repository. Anyone with write access can put
 * any key there, so this is a hint, not a proof: such a layer is worth hashing before it is sent, because the registry
 * probably has it. An unreadable image gives no keys.
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
