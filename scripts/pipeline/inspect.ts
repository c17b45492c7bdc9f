import pLimit from 'p-limit';
import * as z from 'zod';
import { lockFileOf } from '../catalog/lock-path.ts';
import { readLock } from '../catalog/lockfile.ts';
import { ModelcarsError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import { parseConfig, parseIndex, parseManifest } from '../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../image/types.ts';
import { keys } from './annotations.ts';
import { openNamedImage } from './open-images.ts';
import type { RegistryAccess } from './types.ts';

/** One platform's image. */
export interface InspectedPlatform {
  platform: string;
  digest: string;
  user?: string;
  created?: string;
  layers: {
    digest: string;
    size: number;
    mediaType: string;
    files?: { path: string; size: number; sha256: string }[];
  }[];
}

/** An image's own description. Nothing is checked; `verify` does that. */
export interface Inspection {
  name: string;
  digest: string;
  mediaType: string;
  annotations: Record<string, string>;
  /** Versions of the libraries that made the model, of the lock that has the image's files. */
  libraries?: Record<string, string>;
  platforms: InspectedPlatform[];
}

/** Each manifest and config may have 4 MiB, and all stay in memory until they are printed. */
const mostPlatforms = 64;
const parallelPlatforms = 4;

/** The annotation `dev.modelcars.layer.files`, which modelcars sets on its layers. */
const filesSchema = z.array(z.object({ path: z.string(), size: z.int().nonnegative(), sha256: z.string() }));

/**
 * Reads an image's index, manifests and configs. `name` is an entry of the layout at `layout` (`model:version`) or,
 * with a slash, a registry reference. `file` is a catalog, whose lock can know more of the model. Fails with code `layout`
 * or `registry` when the image does not exist.
 */
export async function inspectImage(
  name: string,
  options: { layout: string; file: string; registry: RegistryAccess; signal?: AbortSignal },
): Promise<Inspection> {
  const inspection = await inspectNamed(name, options);
  const libraries = await librariesOf(inspection, options.file);
  if (libraries === undefined) return inspection;
  const { platforms, ...image } = inspection;
  return { ...image, libraries, platforms };
}

async function inspectNamed(
  name: string,
  options: { layout: string; registry: RegistryAccess; signal?: AbortSignal },
): Promise<Inspection> {
  await using image = await openNamedImage(name, options);
  const { store, where } = image;
  const root = await store.resolve(image.reference);
  if (root === undefined) {
    throw new ModelcarsError(
      name.includes('/') ? 'registry' : 'layout',
      `inspect ${name}: ${where} has no such image`,
      {
        next: 'name an entry of the layout as MODEL:VERSION, or an image as REGISTRY/REPOSITORY:TAG',
      },
    );
  }
  const bytes = await store.read(root);
  const common = { name, digest: root.digest, mediaType: root.mediaType };
  if (root.mediaType !== mediaTypes.index && root.mediaType !== mediaTypes.dockerIndex) {
    const { annotations = {} } = parseManifest(bytes, name);
    return { ...common, annotations, platforms: [await inspectPlatform(store, root)] };
  }
  const { manifests, annotations = {} } = parseIndex(bytes, name);
  if (manifests.length > mostPlatforms) {
    throw new ModelcarsError(
      'limit',
      `inspect ${name}: its index lists ${manifests.length} manifests, at most ${mostPlatforms} are read`,
      { next: 'inspect one of them by its digest: REGISTRY/REPOSITORY@sha256:…' },
    );
  }
  const limit = pLimit(parallelPlatforms);
  const platforms = await Promise.all(
    manifests.map((manifest) => limit(() => inspectPlatform(store, manifest))),
  );
  return { ...common, annotations, platforms };
}

async function inspectPlatform(store: ImageStore, descriptor: Descriptor): Promise<InspectedPlatform> {
  const manifest = parseManifest(await store.read(descriptor), descriptor.digest);
  const config = parseConfig(await store.read(manifest.config), manifest.config.digest);
  const user = config.config?.User;
  return {
    platform: formatPlatform(descriptor.platform ?? config),
    digest: descriptor.digest,
    ...(typeof user === 'string' && { user }),
    ...(config.created !== undefined && { created: config.created }),
    layers: manifest.layers.map(({ digest, size, mediaType, annotations }) => ({
      digest,
      size,
      mediaType,
      ...filesOf(annotations?.['dev.modelcars.layer.files']),
    })),
  };
}

function filesOf(text: string | undefined): Pick<InspectedPlatform['layers'][number], 'files'> {
  if (text === undefined) return {};
  try {
    const { data } = filesSchema.safeParse(JSON.parse(text));
    return data === undefined ? {} : { files: data };
  } catch {
    return {};
  }
}

/**
 * The libraries that the catalog's lock has for the model in an image: the entry of the same framework and revision with
 * every file that the image lists. Undefined without one; a lock that cannot be read is reported by other commands.
 */
async function librariesOf(
  { annotations, platforms }: Inspection,
  file: string,
): Promise<Record<string, string> | undefined> {
  const lock = await readLock(lockFileOf(file)).catch(() => undefined);
  const listed = platforms.flatMap(({ layers }) => layers.flatMap(({ files = [] }) => files));
  if (listed.length === 0) return undefined;
  const entry = Object.values(lock?.models ?? {}).find(({ framework, revision, files }) => {
    const hashes = new Set(files.map(({ sha256 }) => sha256));
    return (
      framework === annotations[keys.framework] &&
      revision === annotations['org.opencontainers.image.revision'] &&
      listed.every(({ sha256 }) => hashes.has(sha256))
    );
  });
  return entry?.libraries;
}
