import { platformMatches } from '../image/platform.ts';
import { parseConfig, parseIndex, parseManifest } from '../image/schema.ts';
import type { Digest, ImageStore } from '../image/types.ts';
import { mediaTypes } from '../image/types.ts';
import type { KnownLayer } from '../store/store.ts';
import { keys } from './annotations.ts';
import type { ImagePlan } from './assemble.ts';

/**
 * Layers of a plan that an image in the repository already has, by the key that its manifest's annotations give them, so that a
 * machine which never built this model need not read it. The word of the registry is taken for what the registry holds, as
 * it is for a tag; it must fit the plan's media type and, uncompressed, its size to the byte. What is broken there is not ours.
 */
export async function recallLayers(
  repository: ImageStore,
  tag: string,
  plan: ImagePlan,
): Promise<Map<string, KnownLayer>> {
  const found = new Map<string, KnownLayer>();
  const wanted = new Map(plan.layers.map((layer) => [layer.key, layer]));
  try {
    const root = await repository.resolve(tag);
    if (root?.mediaType !== mediaTypes.index) return found;
    const { manifests } = parseIndex(await repository.read(root), tag);
    const ours = manifests.find((one) =>
      plan.bases.some((base) => one.platform && platformMatches(base.platform, one.platform)),
    );
    if (ours === undefined) return found;
    const manifest = parseManifest(await repository.read(ours), tag);
    const config = parseConfig(await repository.read(manifest.config), tag);
    for (const [at, descriptor] of manifest.layers.entries()) {
      const key = descriptor.annotations?.[keys.layerKey] ?? '';
      const layer = wanted.get(key);
      const diffId = config.rootfs.diff_ids[at];
      if (layer === undefined || diffId === undefined || layer.mediaType !== descriptor.mediaType) continue;
      if (layer.size !== undefined && (layer.size !== descriptor.size || diffId !== descriptor.digest))
        continue;
      found.set(key, { digest: descriptor.digest, size: descriptor.size, diffId: diffId as Digest });
    }
  } catch {
    return found; // an image that we cannot read tells nothing; the push goes its whole way
  }
  return found;
}
