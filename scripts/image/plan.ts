import { ModelcarsError } from '../errors.ts';
import { endOfArchive, headerLength, type Member, paddingOf } from './tar.ts';

/** A file of the image. */
export interface ImageFile {
  /** Path below /models (or the plan's `root`), checked by the catalog: relative, no `..`, `/` as separator. */
  path: string;
  /** Bytes. */
  size: number;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
  /** A program, with mode 0555 instead of 0444; no file of a model is one. */
  executable?: true;
}

/** A planned layer: its files, in tar order. */
export interface LayerPlan {
  /** Sorted by path (byte order). */
  files: ImageFile[];
  /** Bytes of the uncompressed tar. */
  size: number;
  /** The folder below `/` that contains the files, one name; `models` by default. */
  root?: string;
}

/** The folder of a model in its image. */
const modelRoot = 'models';

/** A file of at least this size (bytes) gets its own layer: it is downloaded, replaced and shared separately. */
export const ownLayerFrom = 32 * 1024 ** 2;
/** Smaller files share layers of about this many bytes, so that several transfer in parallel. */
const sharedLayerTarget = 128 * 1024 ** 2;
/** Files that change without the model changing: they get the last layer to themselves. */
const volatile = /^(?:[^/]*\.(?:md|rst)|\.gitattributes|(?:licen[cs]e|notice|readme|copying)[^/]*)$/i;

/**
 * Maximum number of layers of a model. overlayfs and Docker stop at 127 including the base's; this leaves room for a
 * base of thirty. Like all planning it is fixed: the same files give the same layers whatever the base or registry.
 */
const maxLayers = 96;

/**
 * Distributes files over layers: large files one each, small ones together, volatile ones (README, licence) last, all
 * in byte order of their paths, so that the same files always give the same layers. Above the limit, neighbouring
 * layers are merged as evenly as their order allows.
 */
export function planLayers(files: readonly ImageFile[], root = modelRoot): LayerPlan[] {
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const last = sorted.filter((file) => volatile.test(file.path));
  const rest = sorted.filter((file) => !volatile.test(file.path));
  const large = rest.filter((file) => file.size >= ownLayerFrom);
  const small = rest.filter((file) => file.size < ownLayerFrom);
  const room = maxLayers - (last.length > 0 ? 1 : 0);
  let groups = [...large.map((file) => [file]), ...pack(small, sharedLayerTarget, root)];
  if (groups.length > room) groups = packInto(room, [...large, ...small], root);
  if (last.length > 0) groups.push(last);
  return groups.map((group) => ({
    files: group,
    size: tarSize(group, root),
    ...(root !== modelRoot && { root }),
  }));
}

/** The largest layer in bytes, and the limit's origin: the model, the registry, or neither. */
export type LayerLimit = { bytes: number } & (
  | { of: 'maxLayerSize' | 'default' }
  | { of: 'registry'; registry: string }
);

/** Fails with code `limit`, naming the file, when a layer exceeds the limit. Call before any byte is transferred. */
export function checkLayerSizes(plans: readonly LayerPlan[], limit: LayerLimit): void {
  const over = plans.find((plan) => plan.size > limit.bytes);
  if (over === undefined) return;
  const [first] = over.files;
  const what =
    over.files.length === 1
      ? `${first?.path} needs`
      : `${first?.path} and ${over.files.length - 1} more need`;
  const [allows, next] = allowed(limit);
  throw new ModelcarsError(
    'limit',
    `plan layers: ${what} a layer of ${over.size} bytes, and ${allows} ${limit.bytes}`,
    { next: `${next}, or use a sharded copy of the model` },
  );
}

/** The limit in words, to precede the number, and the next step. */
function allowed(limit: LayerLimit): [allows: string, next: string] {
  if (limit.of === 'registry') {
    const next = 'push to a registry with a larger limit (set `maxLayerSize` if yours has one)';
    return [`${limit.registry} takes`, next];
  }
  if (limit.of === 'maxLayerSize') return ['`maxLayerSize` allows', 'raise `maxLayerSize`'];
  return ['the default limit is', 'set `maxLayerSize` to what your registry takes'];
}

/** Packs consecutive files into layers of at most `capacity` bytes of tar each; a larger file gets its own. */
function pack(files: readonly ImageFile[], capacity: number, root: string): ImageFile[][] {
  const groups: ImageFile[][] = [];
  let fill = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const size = tarSize([file], root); // counts parent directories once per file: an upper bound
    if (fill + size > capacity) {
      groups.push([]);
      fill = 0;
    }
    groups.at(-1)?.push(file);
    fill += size;
  }
  return groups;
}

/** The most even packing into at most `count` layers: the smallest sufficient capacity, found by bisection. */
function packInto(count: number, files: readonly ImageFile[], root: string): ImageFile[][] {
  const sizes = files.map((file) => tarSize([file], root));
  let low = sizes.reduce((most, size) => Math.max(most, size), 0);
  let high = sizes.reduce((sum, size) => sum + size, 0);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (pack(files, middle, root).length <= count) high = middle;
    else low = middle + 1;
  }
  return pack(files, high, root);
}

/** Everything in the image belongs to UID 1001 and root's group, so that a random UID in group 0 can read it. */
const owner = { uid: 1001, gid: 0 };

/**
 * The tar members of a layer: `root`, every parent directory and every file, in byte order of the path, which puts
 * parents before children. `mtime` in seconds.
 */
export function membersOf(
  files: readonly ImageFile[],
  mtime: number,
  root = modelRoot,
): (Member & { file?: ImageFile })[] {
  const members = new Map<string, Member & { file?: ImageFile }>();
  for (const file of files) {
    const path = `${root}/${file.path}`;
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      const parent = path.slice(0, slash);
      members.set(parent, { path: parent, type: 'directory', mode: 0o555, size: 0, mtime, ...owner });
    }
    const mode = file.executable ? 0o555 : 0o444;
    members.set(path, { path, type: 'file', mode, size: file.size, mtime, ...owner, file });
  }
  return [...members.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** Size in bytes of the uncompressed tar of a layer with these files. */
export function tarSize(files: readonly ImageFile[], root = modelRoot): number {
  return membersOf(files, 0, root).reduce(
    (total, member) => total + headerLength(member) + member.size + paddingOf(member.size),
    endOfArchive.length,
  );
}
