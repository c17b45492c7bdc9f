import { ModelcarsError } from '../errors.ts';
import { formatPlatform, parsePlatform, platformMatches } from '../image/platform.ts';
import { parseConfig, parseIndex, parseManifest } from '../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../image/types.ts';
import { plain } from '../text/format.ts';

/** Whether a descriptor is that of an index. */
export function isIndex({ mediaType }: Descriptor): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex;
}

/**
 * The manifest of one platform of an image, `linux/arm64`. Fails with code `usage` and lists those that it has. `what`
 * is "pull quay.io/me/iris:v1.2.3".
 */
export async function platformImage(
  store: ImageStore,
  root: Descriptor,
  platform: string,
  what: string,
): Promise<Descriptor> {
  const wanted = parsePlatform(platform);
  const offered = isIndex(root)
    ? parseIndex(await store.read(root), root.digest).manifests
    : [await withPlatform(store, root)];
  const found = offered.find((one) => one.platform !== undefined && platformMatches(wanted, one.platform));
  if (found !== undefined) return found;
  const names = offered.flatMap((one) =>
    one.platform === undefined || one.platform.os === 'unknown' ? [] : [formatPlatform(one.platform)],
  );
  throw new ModelcarsError('usage', `${what}: it has no image for ${plain(platform)}`, {
    next: names.length > 0 ? `pass --platform ${names.join(' or ')}` : 'leave out --platform',
  });
}

/** A manifest, with the platform that its config names. */
async function withPlatform(store: ImageStore, root: Descriptor): Promise<Descriptor> {
  const { config } = parseManifest(await store.read(root), root.digest);
  const isImage = config.mediaType === mediaTypes.config || config.mediaType === mediaTypes.dockerConfig;
  if (!isImage) return root;
  const { os, architecture, variant } = parseConfig(await store.read(config), config.digest);
  return { ...root, platform: { os, architecture, ...(variant && { variant }) } };
}
