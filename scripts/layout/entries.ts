import { ModelcarsError } from '../errors.ts';
import { parseIndex } from '../image/schema.ts';
import { type Descriptor, mediaTypes } from '../image/types.ts';

/** image-spec image-layout.md: the entire content of `oci-layout`. */
export const layoutVersion = '{"imageLayoutVersion":"1.0.0"}';

/** image-spec annotations.md: annotation that names an entry of a layout's index. */
const refName = 'org.opencontainers.image.ref.name';

/**
 * Maximum size of `index.json` in bytes: what registries accept for an index (distribution-spec, "Pushing Manifests").
 */
export const largestIndex = 4 * 1024 ** 2;

/** An image in a layout: a descriptor with a name. */
export type IndexEntry = Descriptor;

/** `<model>:<version>`, or empty for an unnamed entry from another tool. */
export function nameOf(entry: IndexEntry): string {
  return entry.annotations?.[refName] ?? '';
}

/** The entries plus one, which replaces an entry of the same name; sorted by name. */
export function withEntry(
  entries: readonly IndexEntry[],
  name: string,
  descriptor: Descriptor,
): IndexEntry[] {
  const { mediaType, digest, size } = descriptor;
  const entry = { mediaType, digest, size, annotations: { [refName]: name } };
  return [...entries.filter((other) => nameOf(other) !== name), entry].toSorted((a, b) =>
    nameOf(a) < nameOf(b) ? -1 : 1,
  );
}

/** Parses `index.json`. Fails with code `layout`, naming the invalid field. */
export function parseEntries(where: string, bytes: Uint8Array): IndexEntry[] {
  try {
    return parseIndex(bytes, `${where}/index.json`).manifests;
  } catch (cause) {
    if (!(cause instanceof ModelcarsError)) throw cause;
    throw new ModelcarsError('layout', cause.message, { next: 'delete the layout and build again', cause });
  }
}

/** `index.json` for these entries; equal entries give equal bytes. */
export function serializeEntries(entries: readonly IndexEntry[]): string {
  return `${JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: entries }, undefined, 2)}\n`;
}
