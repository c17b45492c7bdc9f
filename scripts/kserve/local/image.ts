import { z } from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { formatPlatform, platformMatches } from '../../image/platform.ts';
import { parseConfig, parseIndex, parseManifest } from '../../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes, type Platform } from '../../image/types.ts';
import type { ImageProcess } from './modelcar.ts';

/** One platform's image, with everything needed to run it. */
export interface RunnableImage extends ImageProcess {
  manifest: Descriptor;
  config: Descriptor;
  /** From the base's first to the model's last. */
  layers: Descriptor[];
  /** `User` of the config: `1001`, a name, or empty for root. */
  user: string;
  /**
   * Lower bound of its files' size in bytes: the size of uncompressed layers, and the declared size of compressed ones.
   */
  size: number;
}

const processSchema = z.object({
  User: z.string().default(''),
  Entrypoint: z.array(z.string()).nullish(),
  Env: z.array(z.string()).nullish(),
});
const filesSchema = z.array(z.object({ size: z.int().nonnegative() }));

/** This machine's platform, in image terms. */
export function ownPlatform(): Platform {
  const names: Record<string, string> = { x64: 'amd64', ppc64: 'ppc64le', ia32: '386' };
  return { os: 'linux', architecture: names[process.arch] ?? process.arch };
}

/** Reads the image for this machine's platform. Fails with code `layout` when the name or the platform is missing. */
export async function runnableImage(
  { store, name }: { store: ImageStore; name: string },
  platform = ownPlatform(),
): Promise<RunnableImage> {
  const root = await store.resolve(name);
  if (root === undefined) {
    throw new ModelcarsError('layout', `test ${name}: image not found`, {
      next: 'run `modelcars build` first, or pass its location with --layout or --remote',
    });
  }
  const manifest = await manifestOf(store, root, name, platform);
  const { config, layers } = parseManifest(await store.read(manifest), manifest.digest);
  const run = processSchema.safeParse(parseConfig(await store.read(config), config.digest).config ?? {});
  if (!run.success)
    throw new ModelcarsError('integrity', `test ${name}: the config of the image is malformed`, {
      next: 'run `modelcars verify`',
      cause: run.error,
    });
  const { User, Entrypoint, Env } = run.data;
  return {
    manifest,
    config,
    layers,
    user: User,
    env: Env ?? [],
    entrypoint: Entrypoint ?? [],
    size: layers.reduce((total, layer) => total + unpackedSize(layer), 0),
  };
}

async function manifestOf(
  store: ImageStore,
  root: Descriptor,
  name: string,
  platform: Platform,
): Promise<Descriptor> {
  if (root.mediaType !== mediaTypes.index && root.mediaType !== mediaTypes.dockerIndex) return root;
  const { manifests } = parseIndex(await store.read(root), root.digest);
  const own = manifests.find((one) => one.platform && platformMatches(platform, one.platform));
  if (own !== undefined) return own;
  const offered = manifests.flatMap((one) => (one.platform ? [formatPlatform(one.platform)] : []));
  throw new ModelcarsError(
    'layout',
    `test ${name}: it has no image for ${formatPlatform(platform)}, only for ${offered.join(', ')}`,
    {
      next: `build it with --platform ${formatPlatform(platform)} too, or test it in a cluster`,
    },
  );
}

/**
 * Lower bound of the size of a layer's files in bytes: the layer's own, or that of its annotation, which is unverified
 * until unpacked.
 */
export function unpackedSize({ size, annotations }: Descriptor): number {
  try {
    const files = filesSchema.parse(JSON.parse(annotations?.['dev.modelcars.layer.files'] ?? '[]'));
    return Math.max(
      size,
      files.reduce((total, file) => total + file.size, 0),
    );
  } catch {
    return size;
  }
}
