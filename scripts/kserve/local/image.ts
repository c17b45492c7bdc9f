import { z } from 'zod';
import { ModelcarsError } from '../../errors.ts';
import { formatPlatform, platformMatches } from '../../image/platform.ts';
import { parseConfig, parseIndex, parseManifest } from '../../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes, type Platform } from '../../image/types.ts';
import type { ImageProcess } from './modelcar.ts';

/** One platform's image, as far as running it goes. */
export interface RunnableImage extends ImageProcess {
  manifest: Descriptor;
  config: Descriptor;
  /** From the base's first to the model's last. */
  layers: Descriptor[];
  /** As the config has it: `1001`, a name, or empty for root. */
  user: string;
  /** Bytes that its files take, at least: those of uncompressed layers, and what compressed ones say of theirs. */
  size: number;
}

const processSchema = z.object({
  User: z.string().default(''),
  Entrypoint: z.array(z.string()).nullish(),
  Env: z.array(z.string()).nullish(),
});
const filesSchema = z.array(z.object({ size: z.int().nonnegative() }));

/** This machine's platform in the words of images. */
export function ownPlatform(): Platform {
  const names: Record<string, string> = { x64: 'amd64', ppc64: 'ppc64le', ia32: '386' };
  return { os: 'linux', architecture: names[process.arch] ?? process.arch };
}

/** Reads the image that this machine would run. Fails with code `layout` when there is none of that name or platform. */
export async function runnableImage(
  { store, name }: { store: ImageStore; name: string },
  platform = ownPlatform(),
): Promise<RunnableImage> {
  const root = await store.resolve(name);
  if (root === undefined) {
    throw new ModelcarsError('layout', `smoke ${name}: there is no such image`, {
      next: 'run `modelcars build` first, or say where it is with --output or --remote',
    });
  }
  const manifest = await manifestOf(store, root, name, platform);
  const { config, layers } = parseManifest(await store.read(manifest), manifest.digest);
  const run = processSchema.safeParse(parseConfig(await store.read(config), config.digest).config ?? {});
  if (!run.success)
    throw new ModelcarsError('integrity', `smoke ${name}: the config of the image is malformed`, {
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
    `smoke ${name}: it has no image for ${formatPlatform(platform)}, only for ${offered.join(', ')}`,
    {
      next: `build it with --platform ${formatPlatform(platform)} too, or smoke it on a cluster`,
    },
  );
}

/** Bytes of a layer's files, at least: its own, or what its annotation says of its files. A claim, until they are unpacked. */
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
