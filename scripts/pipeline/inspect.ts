import pLimit from 'p-limit';
import * as z from 'zod';
import { ModelcarsError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import { parseConfig, parseIndex, parseManifest } from '../image/schema.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../image/types.ts';
import { openLayout } from '../layout/open.ts';
import { RegistryClient } from '../registry/client.ts';
import { parseReference } from '../registry/reference.ts';
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

/** What an image says of itself; nothing here is proven, that is `verify`'s work. */
export interface Inspection {
  name: string;
  digest: string;
  mediaType: string;
  annotations: Record<string, string>;
  platforms: InspectedPlatform[];
}

/** Each manifest and config may have 4 MiB, and all are held until they are printed. */
const mostPlatforms = 64;
const parallelPlatforms = 4;

/** What `dev.modelcars.layer.files` holds in an image of ours. */
const filesSchema = z.array(z.object({ path: z.string(), size: z.int().nonnegative(), sha256: z.string() }));

/**
 * Reads an image's index, manifests and configs. `name` is an entry of the layout at `output` (`model:version`) or, when it has a
 * slash, a registry reference. Fails with code `layout` or `registry` when there is no such image.
 */
export async function inspectImage(
  name: string,
  options: { output: string; registry: RegistryAccess; signal?: AbortSignal },
): Promise<Inspection> {
  if (!name.includes('/')) {
    await using layout = await openLayout(options.output);
    return await inspect(layout, name, name, options.output);
  }
  const reference = parseReference(name);
  const { insecure, caFile } = options.registry;
  const over = new AbortController();
  await using client = new RegistryClient({
    own: [reference.registry],
    ...(insecure && { insecure }),
    ...(caFile !== undefined && { caFile }),
    signal: AbortSignal.any([over.signal, ...(options.signal ? [options.signal] : [])]),
  });
  try {
    return await inspect(
      client.repository(reference),
      name,
      reference.digest ?? reference.tag ?? 'latest',
      reference.registry,
    );
  } finally {
    // The first platform that fails is told; the others need not be read any more.
    over.abort();
  }
}

async function inspect(
  store: ImageStore,
  name: string,
  reference: string,
  where: string,
): Promise<Inspection> {
  const root = await store.resolve(reference);
  if (root === undefined) {
    throw new ModelcarsError(
      where.includes('/') ? 'layout' : 'registry',
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
