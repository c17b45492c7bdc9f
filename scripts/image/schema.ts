import * as z from 'zod';
import { ModelcarsError } from '../errors.ts';
import type { ImageConfig } from './manifest.ts';
import type { Descriptor, Digest } from './types.ts';

/**
 * Schemas of manifests, indexes and configs from a registry or a folder: no such bytes are trusted before they are
 * checked here. Unknown fields are dropped; only sha256 digests are accepted.
 */

/**
 * A list of at most `most` items. The number is checked first: a million wrong items would make a million error
 * objects, of some 700 MB.
 */
export function listOf<T extends z.ZodType>(item: T, most = 10_000): z.ZodType<z.output<T>[]> {
  return z.array(z.unknown()).max(most).pipe(z.array(item));
}

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is not sha256: and 64 hexadecimal digits');

/** Printed in messages, so plain words only; some tools write an empty variant. */
const word = z
  .string()
  .regex(/^[\w.-]{0,64}$/, 'is not a word of at most 64 letters, digits, `.`, `_` and `-`');
const platform = z.object({ os: word, architecture: word, variant: word.optional() });

const descriptor = z.object({
  mediaType: z.string().max(255),
  digest,
  size: z.int().nonnegative(),
  annotations: z.record(z.string(), z.string()).optional(),
  platform: platform.optional(),
  artifactType: z.string().max(255).optional(),
});

const index = z.object({
  schemaVersion: z.literal(2),
  artifactType: z.string().max(255).optional(),
  manifests: listOf(descriptor),
  subject: descriptor.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

const manifest = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().max(255).optional(),
  config: descriptor,
  layers: listOf(descriptor, 1000),
  subject: descriptor.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

const config = platform.extend({
  created: z.string().optional(),
  config: z
    .looseObject({ Env: listOf(z.string()).nullish(), Labels: z.record(z.string(), z.string()).nullish() })
    .nullish(),
  rootfs: z.object({ type: z.string(), diff_ids: listOf(digest, 1000) }),
  // Copied into images built on this one: no nested values, which could overflow JSON.stringify.
  history: listOf(z.record(z.string(), z.union([z.string(), z.boolean(), z.number(), z.null()]))).nullish(),
});

export interface Index {
  /** What an index that is no image says that it is. */
  artifactType?: string;
  manifests: Descriptor[];
  /** The image that it refers to: a signature, an attestation. */
  subject?: Descriptor;
  annotations?: Record<string, string>;
}

export interface Manifest {
  /** What an artifact that is no image says that it is. */
  artifactType?: string;
  config: Descriptor;
  layers: Descriptor[];
  /** The image that it refers to: a signature, an attestation. */
  subject?: Descriptor;
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

/** An image config; null fields, which Docker writes, are dropped. */
export function parseConfig(bytes: Uint8Array, where: string): ImageConfig & { created?: string } {
  const { config: run, history, ...rest } = parse(config, bytes, where);
  const plain = Object.fromEntries(Object.entries(run ?? {}).filter(([, value]) => value !== null));
  return { ...rest, config: plain, history: history ?? [] } as ImageConfig & { created?: string };
}

/** Whether a text is a sha256 digest. */
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
  const [issue] = parsed.error.issues;
  throw new ModelcarsError('integrity', `read ${where}: ${issue ? problemOf(issue) : 'it is malformed'}`, {
    cause: parsed.error,
  });
}

/** A document's first zod issue and its location, on one short line: keys are arbitrary. */
export function problemOf(issue: z.core.$ZodIssue): string {
  const path = issue.path
    .map(String)
    .join('.')
    .replaceAll(/[^\x20-\x7e]/g, '?');
  const place = path === '' ? 'it' : path.length > 100 ? `${path.slice(0, 99)}…` : path;
  if (issue.code === 'invalid_type') return `${place} is not of the type ${issue.expected}`;
  if (issue.code === 'too_big') return `${place} is beyond ${issue.maximum}`;
  if (issue.code === 'too_small') return `${place} is below ${issue.minimum}`;
  if (issue.code === 'invalid_value') return `${place} is not ${issue.values.map(String).join(' or ')}`;
  return issue.code === 'invalid_format' ? `${place} ${issue.message}` : `${place} is malformed`;
}
