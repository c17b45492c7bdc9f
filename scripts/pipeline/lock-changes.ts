import { isDeepStrictEqual } from 'node:util';
import type { Lock, LockedFile, LockedModel } from '../model/types.ts';
import { compareBytes } from '../text/paths.ts';

type Kind = 'added' | 'removed' | 'changed';

/** A file's bytes in a lock. */
interface FileState {
  /** Bytes. */
  size: number;
  /** 64 hexadecimal digits. */
  sha256: string;
}

/** How a locked file changed. */
export interface FileChange {
  path: string;
  change: Kind;
  from?: FileState;
  to?: FileState;
}

/** How a locked model changed. */
export interface ModelChange {
  model: string;
  change: Kind;
  /** Revisions before and after; equal when only other fields changed. */
  from?: string;
  to?: string;
  /** Bytes of all files after the change; for a removed model, before it. */
  size: number;
  /** Files that differ, sorted by path; all files of an added or removed model. */
  files: FileChange[];
  /** Other fields of the lock's entry that differ: `source`, `include`, `metadata` and the like. */
  fields: string[];
  /** Of a removed model: another catalog beside this one that has it. */
  catalog?: string;
}

/** How the pin of one platform of a base image changed. */
export interface BaseChange {
  base: string;
  platform: string;
  /** Manifest digests. */
  from?: string;
  to?: string;
}

/** The differences between two locks; both lists are empty when there are none. */
export interface LockChanges {
  models: ModelChange[];
  bases: BaseChange[];
}

/**
 * Compares two locks, sorted by name. `before` is undefined when there was no lock; `others` has the other catalogs of
 * removed models.
 */
export function compareLocks(
  before: Lock | undefined,
  after: Lock,
  others: ReadonlyMap<string, string> = new Map(),
): LockChanges {
  const models = pairs(before?.models ?? {}, after.models).flatMap(([model, from, to]) => {
    const change = isDeepStrictEqual(from, to) ? undefined : modelChange(model, from, to);
    const catalog = to === undefined ? others.get(model) : undefined;
    return change === undefined ? [] : [{ ...change, ...(catalog !== undefined && { catalog }) }];
  });
  const bases = pairs(before?.bases ?? {}, after.bases).flatMap(([base, pinned, pins]) =>
    pairs(pinned ?? {}, pins ?? {}).flatMap(([platform, from, to]) =>
      from === to
        ? []
        : [{ base, platform, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }],
    ),
  );
  return { models, bases };
}

function modelChange(
  model: string,
  from: LockedModel | undefined,
  to: LockedModel | undefined,
): ModelChange | undefined {
  const files = fileChanges(from?.files ?? [], to?.files ?? []);
  const fields =
    from && to
      ? pairs<unknown>({ ...from }, { ...to })
          .filter(([field, one, other]) => !isDeepStrictEqual(one, other) && !shownApart.has(field))
          // Changed files always change the layers.
          .filter(([field]) => field !== 'layers' || files.length === 0)
          .map(([field]) => field)
      : [];
  if (from && to && from.revision === to.revision && files.length === 0 && fields.length === 0)
    return undefined; // the same files in a different order
  return {
    model,
    change: kindOf(from, to),
    ...(from && { from: from.revision }),
    ...(to && { to: to.revision }),
    size: ((to ?? from)?.files ?? []).reduce((sum, { size }) => sum + size, 0),
    files,
    fields,
  };
}

const shownApart: ReadonlySet<string> = new Set(['revision', 'files']);

function fileChanges(before: readonly LockedFile[], after: readonly LockedFile[]): FileChange[] {
  // Paths of `files:` are below /models, all others below the source: the same path can name two files.
  const byKey = (files: readonly LockedFile[]) =>
    Object.fromEntries(
      files.map((file) => [`${file.path}\0${file.source === undefined ? '' : 'own'}`, file]),
    );
  return pairs(byKey(before), byKey(after)).flatMap(([, from, to]) => {
    const path = (to ?? from)?.path;
    if (path === undefined || isDeepStrictEqual(from, to)) return [];
    return [
      { path, change: kindOf(from, to), ...(from && { from: state(from) }), ...(to && { to: state(to) }) },
    ];
  });
}

function kindOf(from: unknown, to: unknown): Kind {
  return from === undefined ? 'added' : to === undefined ? 'removed' : 'changed';
}

function state({ size, sha256 }: LockedFile): FileState {
  return { size, sha256 };
}

/** The values of two records, sorted by name; undefined where one record lacks the name. */
function pairs<T>(
  before: Record<string, T>,
  after: Record<string, T>,
): [name: string, from: T | undefined, to: T | undefined][] {
  const of = (record: Record<string, T>, name: string) =>
    Object.hasOwn(record, name) ? record[name] : undefined;
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .sort(compareBytes)
    .map((name) => [name, of(before, name), of(after, name)]);
}
