import { ModelcarsError } from '../errors.ts';
import type { BaseLayers } from '../image/manifest.ts';
import { formatPlatform, parsePlatform, platformMatches } from '../image/platform.ts';
import { parseConfig, parseIndex, parseManifest } from '../image/schema.ts';
import { type Content, type Descriptor, type Digest, type ImageStore, mediaTypes } from '../image/types.ts';
import { list, plain } from '../text/format.ts';

/** A base image of one platform, ready to build on. */
export interface Base extends BaseLayers {
  /** As written in the catalog: `embedded` or a reference. */
  name: string;
  /** The layers' bytes, in order. */
  contents: Content[];
}

/** Media types of an index's images; an index may also list indexes, and anything else. */
const imageTypes: string[] = [mediaTypes.manifest, mediaTypes.dockerManifest];

/** OCI media types for layers made by Docker tools; the bytes are the same (image-spec media-types.md). */
const ociLayerTypes: Record<string, string> = {
  [mediaTypes.dockerLayerGzip]: mediaTypes.layerGzip,
  'application/vnd.docker.image.rootfs.diff.tar': mediaTypes.layer,
  'application/vnd.docker.image.rootfs.diff.tar.zstd': mediaTypes.layerZstd,
  [mediaTypes.layer]: mediaTypes.layer,
  [mediaTypes.layerGzip]: mediaTypes.layerGzip,
  [mediaTypes.layerZstd]: mediaTypes.layerZstd,
};
/** Maximum number of layers: leaves room for at least one model layer under overlayfs' 127. */
const mostLayers = 126;
/** Maximum size of all layers, in bytes. */
const mostBytes = 100 * 1024 ** 3;
/**
 * Maximum size of a config, in bytes: the part copied into each image must leave that image's config readable (4 MiB),
 * with room to spare.
 */
const mostConfig = 1024 ** 2;
/** Maximum size of its environment, in bytes: Linux accepts 128 KiB for one string when a program starts. */
const mostEnvironment = 128 * 1024;

/**
 * The current manifest digest of each wanted platform of a base image. `reference` is what the store resolves (a tag, a
 * digest, an entry). Fails with code `registry` when the image does not exist and `lock` when it lacks a platform.
 */
export async function pinBase(
  store: ImageStore,
  name: string,
  reference: string,
  platforms: readonly string[],
): Promise<Record<string, Digest>> {
  const root = await store.resolve(reference);
  if (root === undefined) {
    throw new ModelcarsError('registry', `resolve base ${name}: image not found`, {
      next: 'check `base:` in models.yaml, or use `base: embedded`, which needs no registry',
    });
  }
  const offered = await offeredPlatforms(store, root, name);
  const pins: Record<string, Digest> = {};
  for (const platform of platforms) {
    const match = offered.find(
      (one) => one.platform && platformMatches(parsePlatform(platform), one.platform),
    );
    if (match === undefined) {
      const have = offered.flatMap((one) => (one.platform ? [formatPlatform(one.platform)] : []));
      throw new ModelcarsError(
        'lock',
        `resolve base ${name}: it has no ${platform}, only ${list([...new Set(have)], 'and') || 'images without a platform'}`,
        {
          next: 'choose another base, or drop the platform from `platforms:`',
        },
      );
    }
    if (!imageTypes.includes(match.mediaType)) {
      throw new ModelcarsError(
        'lock',
        `resolve base ${name}: what it has for ${platform} is no image but ${plain(match.mediaType)}`,
        { next: 'choose another base' },
      );
    }
    pins[platform] = match.digest;
  }
  return pins;
}

/** The images of an index with their platforms; an image without an index has the one platform its config names. */
async function offeredPlatforms(store: ImageStore, root: Descriptor, name: string): Promise<Descriptor[]> {
  const bytes = await store.read(root);
  if (root.mediaType === mediaTypes.index || root.mediaType === mediaTypes.dockerIndex) {
    return parseIndex(bytes, `base ${name}`).manifests;
  }
  const { config } = parseManifest(bytes, `base ${name}`);
  const { os, architecture, variant } = parseConfig(await store.read(config), `config of base ${name}`);
  return [
    { ...root, platform: variant === undefined ? { os, architecture } : { os, architecture, variant } },
  ];
}

/**
 * Opens one platform of a base image by its pinned manifest digest. Fails when it no longer exists or is not the pinned
 * one.
 */
export async function openBase(
  store: ImageStore,
  name: string,
  platform: string,
  pin: Digest,
): Promise<Base> {
  const where = `base ${name} (${platform})`;
  const root = await store.resolve(pin);
  if (root === undefined) {
    throw new ModelcarsError('registry', `open ${where}: ${pin} no longer exists`, {
      next: 'run `modelcars lock --upgrade` to pin what the reference points at now',
    });
  }
  const manifest = parseManifest(await store.read(root), where);
  const config = parseConfig(await store.read(manifest.config), `config of ${where}`);
  if (!platformMatches(parsePlatform(platform), config)) {
    throw new ModelcarsError('integrity', `open ${where}: its config is for ${formatPlatform(config)}`, {
      next: 'run `modelcars lock --upgrade`, or choose another base',
    });
  }
  checkConfig(where, manifest.config.size, config.config?.Env ?? []);
  if (config.rootfs.diff_ids.length !== manifest.layers.length) {
    throw new ModelcarsError(
      'integrity',
      `open ${where}: ${manifest.layers.length} layers, but ${config.rootfs.diff_ids.length} diff_ids`,
    );
  }
  const layers = manifest.layers.map(({ mediaType, digest, size }, at) => ({
    mediaType: layerType(where, mediaType, at),
    digest,
    size,
  }));
  checkLayers(where, layers);
  return {
    name,
    platform: parsePlatform(platform),
    digest: pin,
    config,
    layers,
    contents: layers.map((layer) => ({
      ...layer,
      open: (offset, signal) => store.open(layer, offset, signal),
    })),
  };
}

/**
 * Fails with code `limit` or `integrity` when the parts of a base's config that each image inherits would make the
 * image unrunnable.
 */
function checkConfig(where: string, size: number, environment: readonly string[]): void {
  const next = 'choose another base';
  if (size > mostConfig)
    throw new ModelcarsError('limit', `open ${where}: its config has ${size} bytes, over ${mostConfig}`, {
      next,
    });
  if (environment.some((entry) => entry.includes('\0')))
    throw new ModelcarsError('integrity', `open ${where}: its environment contains a NUL`, {
      next,
    });
  const bytes = environment.reduce((sum, entry) => sum + Buffer.byteLength(entry) + 1, 0);
  if (bytes > mostEnvironment)
    throw new ModelcarsError(
      'limit',
      `open ${where}: its environment has ${bytes} bytes, Linux allows ${mostEnvironment}`,
      { next },
    );
}

function checkLayers(where: string, layers: readonly Descriptor[]): void {
  const next = 'choose a smaller base';
  if (layers.length > mostLayers)
    throw new ModelcarsError('limit', `open ${where}: it has ${layers.length} layers, over ${mostLayers}`, {
      next,
    });
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  if (bytes > mostBytes)
    throw new ModelcarsError('limit', `open ${where}: its layers claim ${bytes} bytes`, {
      next,
    });
}

/**
 * The OCI media type of a base's layer. Layers stored elsewhere ("foreign", with `urls`) or not in tar format cannot be
 * copied.
 */
function layerType(where: string, mediaType: string, at: number): string {
  const type = Object.hasOwn(ociLayerTypes, mediaType) ? ociLayerTypes[mediaType] : undefined;
  if (type !== undefined) return type;
  throw new ModelcarsError(
    'integrity',
    `open ${where}: layer ${at + 1} is ${plain(mediaType)}, which cannot be copied`,
    {
      next: 'choose a base whose layers are plain, gzip or zstd tars',
    },
  );
}
