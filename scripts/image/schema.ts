import * as z from 'zod';
import { ModelcarsError } from '../errors.ts';
import type { ImageConfig } from './manifest.ts';
import type { Descriptor, Digest } from './types.ts';

/**
 * Manifests, indexes and configs as others wrote them: bytes from a registry or a folder, to be trusted only after this.
 * Fields we do not know are dropped; digests are held to the one algorithm we read.
 */

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is not sha256: and 64 hexadecimal digits');

const descriptor = z.object({
  mediaType: z.string().max(255),
  digest,
  size: z.int().nonnegative(),
  annotations: z.record(z.string(), z.string()).optional(),
  platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
});

const index = z.object({
  schemaVersion: z.literal(2),
  manifests: z.array(descriptor).max(10_000),
  annotations: z.record(z.string(), z.string()).optional(),
});

const manifest = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  config: descriptor,
  layers: z.array(descriptor).max(1000),
  annotations: z.record(z.string(), z.string()).optional(),
});

const config = z.object({
  architecture: z.string(),
  os: z.string(),
  variant: z.string().optional(),
  created: z.string().optional(),
  config: z
    .looseObject({ Env: z.array(z.string()).nullish(), Labels: z.record(z.string(), z.string()).nullish() })
    .nullish(),
  rootfs: z.object({ type: z.string(), diff_ids: z.array(digest).max(1000) }),
  history: z.array(z.record(z.string(), z.unknown())).nullish(),
});

export interface Index {
  manifests: Descriptor[];
  annotations?: Record<string, string>;
}

export interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
  annotations?: Record<string, string>;
}

/** An image index or Docker manifest list. `where` names it in the error (code `integrity`). */
export function parseIndex(bytes: Uint8Array, where: string): Index {
  return parse(index, bytes, where) as Index;
}

/** A manifest of one platform. */
export function parseManifest(bytes: Uint8Array, where: string): Manifest {
  return parse(manifest, bytes, where) as Manifest;
}

/** An image config; null fields, as Docker writes them, are left out. */
export function parseConfig(bytes: Uint8Array, where: string): ImageConfig & { created?: string } {
  const { config: run, history, ...rest } = parse(config, bytes, where);
  const plain = Object.fromEntries(Object.entries(run ?? {}).filter(([, value]) => value !== null));
  return { ...rest, config: plain, history: history ?? [] } as ImageConfig & { created?: string };
}

/** Whether a text is a digest we can read. */
export function isDigest(text: string): text is Digest {
  return digest.safeParse(text).success;
}

function parse<T>(schema: z.ZodType<T>, bytes: Uint8Array, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ModelcarsError('integrity', `read ${where}: it is not JSON`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ModelcarsError(
    'integrity',
    `read ${where}: ${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is wrong'}`,
    {
      cause: parsed.error,
    },
  );
}
