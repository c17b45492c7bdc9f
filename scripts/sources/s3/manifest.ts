import * as z from 'zod';
import { checkPath, compareBytes } from '../../text/paths.ts';
import type { Bucket, ListedObject } from './bucket.ts';

/** The object that `modelcars cache` writes last, in the model's folder. */
export const manifestName = '.modelcars.json';

/** Size limit of a manifest in bytes: about 200,000 files. */
const mostBytes = 64 * 1024 ** 2;

const text = z.string().min(1).max(4096);
const fileSchema = z.strictObject({
  path: text.refine((path) => checkPath(path) === undefined),
  size: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  etag: text,
});
const manifestSchema = z.strictObject({
  manifestVersion: z.literal(1),
  complete: z.boolean(),
  source: text,
  revision: text,
  whole: z.boolean(),
  files: z.array(fileSchema),
});

/** A file of a cached model: its bytes were checked against the SHA-256 when written. */
export type CachedFile = z.infer<typeof fileSchema>;

/**
 * The contents of a model's folder in a cache. `complete: false` means that a run is, or was, writing it: `files` then
 * lists files that may exist, and proves nothing. `whole` means that the files are the entire revision, not a
 * selection.
 */
export type CacheManifest = z.infer<typeof manifestSchema>;

/** The manifest of a folder; undefined when it does not exist or this version cannot read it. */
export async function readManifest(
  bucket: Bucket,
  folder: string,
  signal?: AbortSignal,
): Promise<CacheManifest | undefined> {
  const bytes = await bucket.readSmall(folder + manifestName, mostBytes, signal);
  if (bytes === undefined) return undefined;
  try {
    return manifestSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return undefined;
  }
}

/** Writes the manifest of a folder in one request, so that readers never see part of it. */
export async function writeManifest(
  bucket: Bucket,
  folder: string,
  manifest: CacheManifest,
  signal?: AbortSignal,
): Promise<void> {
  const files = manifest.files.toSorted((a, b) => compareBytes(a.path, b.path));
  await bucket.writeSmall(folder + manifestName, `${JSON.stringify({ ...manifest, files })}\n`, signal);
}

/**
 * The files of a complete manifest by path, limited to those that still exist as written; none for an incomplete one.
 */
export function presentFiles(
  manifest: CacheManifest | undefined,
  folder: string,
  objects: ReadonlyMap<string, ListedObject>,
): Map<string, CachedFile> {
  const present = (manifest?.complete ? manifest.files : []).filter(({ path, size, etag }) => {
    const object = objects.get(folder + path);
    return object?.size === size && object.etag === etag;
  });
  return new Map(present.map((file) => [file.path, file]));
}
