import { stringify } from 'yaml';
import type { Lock, LockedFile, LockedLayer } from '../model/types.ts';
import { compareBytes } from '../text/paths.ts';
import { type Written, writeTextFile } from './write-text.ts';

const header = '# written by `modelcars lock`; commit it\n';

/** The text of a lock; equal locks have equal texts. Names are sorted, fields have a fixed order. */
export function formatLock(lock: Lock): string {
  const models = sortedEntries(lock.models).map(([name, model]) => {
    const { framework, source, revision, include, exclude, layers = [] } = model;
    const metadata = sortedEntries(model.metadata ?? {});
    const libraries = sortedEntries(model.libraries ?? {});
    const files = model.files.toSorted((a, b) => compareBytes(a.path, b.path)).map(formatFile);
    const told = metadata.length > 0 && { metadata: Object.fromEntries(metadata) };
    const needs = libraries.length > 0 && { libraries: Object.fromEntries(libraries) };
    const made = layers.length > 0 && { layers: layers.map(formatLayer) };
    return [name, { framework, source, revision, ...told, ...needs, include, exclude, files, ...made }];
  });
  const bases = sortedEntries(lock.bases).map(([name, base]) => [
    name,
    Object.fromEntries(sortedEntries(base)),
  ]);
  const plainLock = { lockVersion: 1, bases: Object.fromEntries(bases), models: Object.fromEntries(models) };
  return header + stringify(plainLock, { lineWidth: 0, aliasDuplicateObjects: false, indentSeq: true });
}

/** Writes a lock, unless it is unchanged; see `writeTextFile`. */
export async function writeLock(file: string, lock: Lock): Promise<Written> {
  return await writeTextFile(file, formatLock(lock));
}

function formatFile({ path, size, sha256, source, revision, place }: LockedFile): LockedFile {
  return {
    path,
    size,
    sha256,
    ...(source !== undefined && { source }),
    ...(revision !== undefined && { revision }),
    ...(place !== undefined && { place }),
  };
}

function formatLayer({ files, digest, size, diffId, key, walked }: LockedLayer): LockedLayer {
  return {
    files,
    digest,
    size,
    ...(diffId !== undefined && { diffId }),
    key,
    ...(walked !== undefined && { walked }),
  };
}

function sortedEntries<T>(record: Record<string, T>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => compareBytes(a, b));
}
