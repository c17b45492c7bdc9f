import { mediaTypes } from '../../image/types.ts';
import { type Documents, platformKey, platformName } from '../documents.ts';
import type { Expected } from '../facts.ts';
import { ContractViolation, count, shown } from '../violation.ts';

/** The rules that need only index, manifests and configs. */

/**
 * overlayfs, as the engines mount it, accepts 127 layers; the plan gives a model about 100 at most
 * (docs/internals/design.md).
 */
const layerLimit = 127;

/** Index entries and configs list the same platforms, each once, including the required ones (image-spec image-index.md). */
export function platforms({ images }: Documents, expected: Expected): string {
  const seen = new Set<string>();
  for (const { platform, config } of images) {
    const own = platformName(config);
    if (platformKey(own) !== platformKey(platform))
      throw new ContractViolation(`its config is for ${shown(own)}, the index has ${shown(platform)}`, {
        platform,
      });
    if (seen.has(platformKey(platform)))
      throw new ContractViolation('the index lists the platform twice', { platform });
    seen.add(platformKey(platform));
  }
  for (const wanted of expected.platforms ?? []) {
    if (!seen.has(platformKey(wanted)))
      throw new ContractViolation(
        `has no image for ${wanted}, only for ${images.map((one) => shown(one.platform)).join(', ')}`,
      );
  }
  return `${images.map(({ platform }) => platform).join(', ')}: each once, index and config agree`;
}

/**
 * Layers are OCI tars: uncompressed, gzip or zstd (image-spec layer.md). KServe's oci+fetch:// does not unpack zstd:
 * the result notes it.
 */
export function mediaTypesOfLayers({ images }: Documents): string {
  const allowed: string[] = [mediaTypes.layer, mediaTypes.layerGzip, mediaTypes.layerZstd];
  const used = new Set<string>();
  const sizes = new Map<string, string>();
  for (const { platform, manifest } of images) {
    for (const { mediaType, digest, size } of manifest.layers) {
      if (!allowed.includes(mediaType))
        throw new ContractViolation(
          `the layer is ${shown(mediaType)}, the contract requires ${allowed.join(', ')}`,
          {
            platform,
            layer: digest,
          },
        );
      const said = `${mediaType}, ${size} bytes`;
      const before = sizes.get(digest) ?? said;
      if (before !== said)
        throw new ContractViolation(`the layer is ${said}, elsewhere it is ${before}`, {
          platform,
          layer: digest,
        });
      sizes.set(digest, said);
      used.add(mediaType);
    }
  }
  const zstd = used.has(mediaTypes.layerZstd) ? '; note: KServe cannot take zstd layers by oci+fetch://' : '';
  return `layers are ${[...used].join(', ')}${zstd}`;
}

/** An engine can mount the layers, and each has a diff_id (image-spec config.md, `rootfs`). */
export function layerCount({ images }: Documents): string {
  for (const { platform, manifest, config } of images) {
    const layers = manifest.layers.length;
    if (layers > layerLimit)
      throw new ContractViolation(`has ${layers} layers, overlayfs mounts ${layerLimit}`, { platform });
    if (config.rootfs.type !== 'layers')
      throw new ContractViolation(
        `rootfs.type is ${shown(config.rootfs.type)}, the specification requires layers`,
        {
          platform,
        },
      );
    if (config.rootfs.diff_ids.length !== layers)
      throw new ContractViolation(
        `has ${count(layers, 'layer')} and ${count(config.rootfs.diff_ids.length, 'diff_id')}`,
        {
          platform,
        },
      );
  }
  const most = Math.max(...images.map(({ manifest }) => manifest.layers.length));
  return `${count(most, 'layer')} of at most ${layerLimit}, a diff_id for each`;
}

/** The history covers exactly the layers (image-spec config.md, `history`); otherwise engines reject or mislabel them. */
export function history({ images }: Documents): string {
  for (const { platform, manifest, config } of images) {
    const told = (config.history ?? []).filter((entry) => entry.empty_layer !== true).length;
    if (told !== manifest.layers.length)
      throw new ContractViolation(
        `its history covers ${count(told, 'layer')}, it has ${manifest.layers.length}`,
        {
          platform,
        },
      );
  }
  return 'the history covers each layer';
}

/** Unless the cluster assigns a user, the image runs as 1001: not root, and the owner of the files. */
export function user({ images }: Documents): string {
  for (const { platform, config } of images) {
    const own = config.config?.User ?? '';
    if (own !== '1001')
      throw new ContractViolation(
        `the user is ${JSON.stringify(shown(own))}, the contract requires "1001"`,
        { platform },
        `set \`User\` to 1001 in the image's config, a number, as \`modelcars build\` does: clusters reject root, and cannot check whether a name is root`,
      );
  }
  return 'the user is 1001';
}

/**
 * No entrypoint: KServe sets only the sidecar's arguments (pkg/utils/storage.go, CreateModelcarContainer), which an
 * entrypoint would receive.
 */
export function entrypoint({ images }: Documents): string {
  for (const { platform, config } of images) {
    const own = config.config?.Entrypoint ?? [];
    if (own.length > 0)
      throw new ContractViolation(
        `has the entrypoint ${shown(JSON.stringify(own))}: KServe's sidecar command would become its arguments`,
        { platform },
        "remove the ENTRYPOINT from the image; `modelcars build` drops the base's",
      );
  }
  return "no entrypoint: KServe's sidecar command runs";
}

/**
 * No volume: an engine mounts an empty folder at its path, which over /models hides the model (image-spec config.md,
 * `Volumes`).
 */
export function volumes({ images }: Documents): string {
  for (const { platform, config } of images) {
    const [first] = Object.keys(config.config?.Volumes ?? {});
    if (first !== undefined)
      throw new ContractViolation(
        `declares the volume ${shown(first)}: an empty folder would be mounted there`,
        {
          platform,
        },
      );
  }
  return 'no volumes that would cover files';
}

/** One creation time for all platforms and in the history of the added layers: the build time must not show. */
export function created({ images }: Documents): string {
  const [first] = images;
  const moment = first?.config.created ?? '';
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/.test(moment) || Number.isNaN(Date.parse(moment)))
    throw new ContractViolation(`created is ${JSON.stringify(shown(moment))}, not an RFC 3339 time in UTC`, {
      platform: first?.platform,
    });
  for (const { platform, config } of images) {
    if (config.created !== moment)
      throw new ContractViolation(
        `created is ${shown(config.created ?? 'missing')}, on ${first?.platform} it is ${moment}`,
        { platform },
      );
    const last = config.history?.filter((entry) => entry.empty_layer !== true).at(-1)?.created;
    if (last !== undefined && last !== moment)
      throw new ContractViolation(`the history of its last layer has ${shown(last)}, created is ${moment}`, {
        platform,
      });
  }
  return `created ${moment} on every platform`;
}
