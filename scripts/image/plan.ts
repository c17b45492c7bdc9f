import { ModelcarsError } from '../errors.ts';
import { encodeHeader, endOfArchive, type Member, paddingOf } from './tar.ts';

/** A file as it will lie in the image. */
export interface ImageFile {
  /** Below /models, checked by the catalog: relative, no `..`, `/` as separator. */
  path: string;
  /** Bytes. */
  size: number;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
}

export interface Limits {
  /** Bytes a layer may have as an uncompressed tar: what the registry takes in one blob. */
  maxLayerSize: number;
  /** Layers a model may have; overlayfs mounts at most 127 lower directories, base included. */
  maxLayers: number;
}

/** One layer to be: which files, in tar order. */
export interface LayerPlan {
  /** Sorted by path (byte order). */
  files: ImageFile[];
  /** Bytes of the uncompressed tar. */
  size: number;
}

/** A file at least this large (bytes) gets a layer of its own: it downloads, changes and is shared by itself. */
const ownLayerFrom = 32 * 1024 ** 2;
/** Smaller files share layers of about this many bytes, so that several move at once. */
const sharedLayerTarget = 128 * 1024 ** 2;
/** Files that change without the model changing: they lie in the last layer, alone. */
const volatile = /^(?:[^/]*\.(?:md|rst)|\.gitattributes|(?:licen[cs]e|notice|readme|copying)[^/]*)$/i;

/**
 * Spreads files over layers: large files one each, small ones together, volatile ones (README, licence) last, all in
 * byte order of their paths, so that the same files always give the same layers. Where that makes more than
 * `maxLayers`, neighbours join, in layers as even as their order allows. Fails with code `limit`, naming the file, when a
 * file cannot fit `maxLayerSize`, or when the whole cannot fit `maxLayers` layers of that size.
 */
export function planLayers(files: readonly ImageFile[], limits: Limits): LayerPlan[] {
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  for (const file of sorted) {
    const size = tarSize([file]);
    if (size > limits.maxLayerSize) {
      throw new ModelcarsError(
        'limit',
        `plan layers: ${file.path} needs a layer of ${size} bytes, more than the ${limits.maxLayerSize} that the registry takes`,
        {
          next: 'push to a registry with a larger limit and set `maxLayerSize`, or use a sharded copy of the model',
        },
      );
    }
  }
  const last = sorted.filter((file) => volatile.test(file.path));
  const rest = sorted.filter((file) => !volatile.test(file.path));
  const large = rest.filter((file) => file.size >= ownLayerFrom);
  const small = rest.filter((file) => file.size < ownLayerFrom);
  const room = limits.maxLayers - (last.length > 0 ? 1 : 0);
  const shared = Math.min(sharedLayerTarget, limits.maxLayerSize);
  let groups = [...large.map((file) => [file]), ...pack(small, shared)];
  if (groups.length > room) groups = packInto(room, [...large, ...small], limits);
  if (last.length > 0) groups.push(...pack(last, limits.maxLayerSize));
  if (groups.length > limits.maxLayers) throw tooMany(limits);
  return groups.map((group) => ({ files: group, size: tarSize(group) }));
}

/** Consecutive files into layers of at most `capacity` bytes of tar each. */
function pack(files: readonly ImageFile[], capacity: number): ImageFile[][] {
  const groups: ImageFile[][] = [];
  let fill = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const size = tarSize([file]); // counts parent directories once per file: an upper bound of its share
    if (fill + size > capacity) {
      groups.push([]);
      fill = 0;
    }
    groups.at(-1)?.push(file);
    fill += size;
  }
  return groups;
}

/** The most even packing into at most `count` layers: the smallest capacity that does it, found by bisection. */
function packInto(count: number, files: readonly ImageFile[], limits: Limits): ImageFile[][] {
  if (count < 1 || pack(files, limits.maxLayerSize).length > count) throw tooMany(limits);
  let low = files.reduce((most, file) => Math.max(most, tarSize([file])), 0);
  let high = limits.maxLayerSize;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (pack(files, middle).length <= count) high = middle;
    else low = middle + 1;
  }
  return pack(files, high);
}

function tooMany(limits: Limits): ModelcarsError {
  return new ModelcarsError(
    'limit',
    `plan layers: the files do not fit ${limits.maxLayers} layers of ${limits.maxLayerSize} bytes each`,
    {
      next: 'leave files out with `exclude`, or push to a registry with a larger limit and set `maxLayerSize`',
    },
  );
}

/** Everything in the image belongs to the image's user and root's group: a random UID in group 0 reads it. */
const owner = { uid: 1001, gid: 0 };

/**
 * The tar members of a layer in order: `models`, every parent directory, every file, by byte order of the path, which
 * puts parents before children. `mtime` in seconds.
 */
export function membersOf(files: readonly ImageFile[], mtime: number): (Member & { file?: ImageFile })[] {
  const members = new Map<string, Member & { file?: ImageFile }>();
  for (const file of files) {
    const path = `models/${file.path}`;
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      const parent = path.slice(0, slash);
      members.set(parent, { path: parent, type: 'directory', mode: 0o555, size: 0, mtime, ...owner });
    }
    members.set(path, { path, type: 'file', mode: 0o444, size: file.size, mtime, ...owner, file });
  }
  return [...members.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** Bytes of the uncompressed tar of a layer with these files. */
export function tarSize(files: readonly ImageFile[]): number {
  return membersOf(files, 0).reduce(
    (total, member) => total + encodeHeader(member).length + member.size + paddingOf(member.size),
    endOfArchive.length,
  );
}
