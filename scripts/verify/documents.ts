import { createHash } from 'node:crypto';
import { z } from 'zod';
import { listOf, problemOf } from '../image/schema.ts';
import { type Digest, type ImageStore, mediaTypes } from '../image/types.ts';
import { parseJson } from './json.ts';
import { ContractViolation, short } from './violation.ts';

/** Largest index, manifest or config, in bytes: the limit of registries (distribution-spec, "Pushing Manifests"). */
const documentLimit = 4 * 1024 ** 2;

const digest = z.custom<Digest>(
  (value) => typeof value === 'string' && /^sha256:[0-9a-f]{64}$/.test(value),
  'is not a sha256 digest',
);
const annotations = z.record(z.string(), z.string()).optional();
const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const descriptor = z.object({ mediaType: z.string(), digest, size, annotations });
/** It appears in messages, so only a plain word is allowed. */
const word = z.string().regex(/^[\w.-]{1,64}$/);
const platform = z.object({ os: word, architecture: word, variant: word.optional() });

const indexSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.literal(mediaTypes.index),
  manifests: listOf(descriptor.extend({ platform: platform.optional() }), 32).refine(
    ({ length }) => length > 0,
    {
      error: 'is empty',
    },
  ),
  annotations,
});

const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string(),
  config: descriptor,
  layers: listOf(descriptor, 1000),
  annotations,
});

const configSchema = platform.extend({
  created: z.string().optional(),
  config: z
    .object({
      User: z.string().optional(),
      Entrypoint: listOf(z.string()).nullish(),
      Env: listOf(z.string()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
    })
    .optional(),
  rootfs: z.object({ type: z.string(), diff_ids: listOf(z.string()) }),
  history: listOf(
    z.object({ created: z.string().optional(), empty_layer: z.boolean().optional() }),
  ).optional(),
});

export type LayerDescriptor = z.infer<typeof descriptor>;
export type Index = z.infer<typeof indexSchema>;
export type Manifest = z.infer<typeof manifestSchema>;
export type Config = z.infer<typeof configSchema>;

/** One platform's image. */
export interface PlatformImage {
  /** `linux/arm64`, as in its index entry. */
  platform: string;
  descriptor: Index['manifests'][number];
  manifest: Manifest;
  config: Config;
}

/** The JSON documents of an image; their bytes match the digests and sizes of their descriptors. */
export interface Documents {
  digest: Digest;
  index: Index;
  images: PlatformImage[];
}

/**
 * Reads index, manifests and configs, each checked against its descriptor (image-spec descriptor.md: "the content's
 * digest and size must be verified"). Throws a ContractViolation.
 */
export async function readDocuments(store: ImageStore, name: string): Promise<Documents> {
  const root = await store.resolve(name);
  if (root === undefined) {
    throw new ContractViolation('image not found', {}, 'build or push it first, or correct its name');
  }
  if (name.startsWith('sha256:') && root.digest !== name) {
    throw new ContractViolation(`the store returned a different image, ${root.digest}`);
  }
  if (root.mediaType !== mediaTypes.index) {
    throw new ContractViolation(`it is ${root.mediaType}, the contract requires one index for all platforms`);
  }
  const index = await readDocument(store, root, indexSchema, 'index');
  const images: PlatformImage[] = [];
  for (const entry of index.manifests) {
    const where = entry.platform === undefined ? short(entry.digest) : platformName(entry.platform);
    try {
      if (entry.platform === undefined)
        throw new ContractViolation('its entry in the index names no platform');
      images.push({ platform: where, descriptor: entry, ...(await readImage(store, entry)) });
    } catch (error) {
      if (error instanceof ContractViolation)
        throw new ContractViolation(error.message, { platform: where, ...error.where }, error.next);
      throw error;
    }
  }
  return { digest: root.digest, index, images };
}

async function readImage(
  store: ImageStore,
  entry: LayerDescriptor,
): Promise<{ manifest: Manifest; config: Config }> {
  if (entry.mediaType !== mediaTypes.manifest)
    throw new ContractViolation(
      `its manifest is ${entry.mediaType}, the contract requires ${mediaTypes.manifest}`,
    );
  const manifest = await readDocument(store, entry, manifestSchema, 'manifest');
  if (manifest.mediaType !== entry.mediaType)
    throw new ContractViolation(
      `its manifest has media type ${manifest.mediaType}, the index states ${entry.mediaType}`,
    );
  if (manifest.config.mediaType !== mediaTypes.config)
    throw new ContractViolation(
      `its config is ${manifest.config.mediaType}, the contract requires ${mediaTypes.config}`,
    );
  const config = await readDocument(store, manifest.config, configSchema, 'config');
  return { manifest, config };
}

/** Layer digests of a base image's manifest, of any image-spec or Docker media type. Throws a ContractViolation. */
export async function readBaseLayers(store: ImageStore, baseDigest: string): Promise<string[]> {
  const found = await store.resolve(baseDigest);
  if (found === undefined || found.digest !== baseDigest)
    throw new ContractViolation(
      `the base ${baseDigest} cannot be read`,
      {},
      'check that the base image still exists',
    );
  const manifest = await readDocument(
    store,
    found,
    manifestSchema.partial({ mediaType: true }),
    'base manifest',
    false,
  );
  return manifest.layers.map((layer) => layer.digest);
}

async function readDocument<T>(
  store: ImageStore,
  { mediaType, digest, size }: LayerDescriptor,
  schema: z.ZodType<T>,
  what: string,
  plain = true,
): Promise<T> {
  const called = `the ${what} ${short(digest)}`;
  if (size > documentLimit)
    throw new ContractViolation(`${called} has ${size} bytes, at most ${documentLimit} are read`);
  const bytes = await store.read({ mediaType, digest, size });
  if (bytes.length !== size)
    throw new ContractViolation(`${called} has ${bytes.length} bytes, its descriptor states ${size}`);
  const actual = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (actual !== digest)
    throw new ContractViolation(`${called} has the digest ${actual}, its descriptor states ${digest}`);
  const value = parseJson(bytes, called, plain);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ContractViolation(`${called} is malformed: ${issue ? problemOf(issue) : 'it cannot be parsed'}`);
}

/** Joins a platform's parts: `linux/arm64/v8`. */
export function platformName(parts: {
  os: string;
  architecture: string;
  variant?: string | undefined;
}): string {
  const { os, architecture, variant } = parts;
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** Equivalent platforms have the same key: `linux/arm64/v8` is `linux/arm64` (as containerd normalises it). */
export function platformKey(platform: string): string {
  return platform === 'linux/arm64/v8' ? 'linux/arm64' : platform;
}
