import type { Base } from '../bases/base-image.ts';
import { ModelcarsError } from '../errors.ts';
import { compressionOf } from '../image/layer-compression.ts';
import { type GoBuild, GoBuildFinder } from '../trust/attestations/packages/go.ts';
import { isRecord, softwareOf } from '../trust/attestations/packages/software.ts';
import type { Software } from '../trust/attestations/packages/types.ts';
import { decompressionLimit } from '../verify/decompress.ts';
import { inflate } from '../verify/inflate.ts';
import type { Member } from '../verify/tar.ts';
import { readMembers } from '../verify/tar-members.ts';

/** Limits for the layers of one base: members, and bytes of their names. As in `verify`. */
const limits = { members: 200_000, names: 32 * 1024 ** 2 };
/** Bytes of a layer's package records, which are kept in memory; the rpm database of a full Fedora has 30 MB. */
const mostRecords = 128 * 1024 ** 2;

/** What the layers contain, by path without a leading `/`. */
interface Contents {
  records: Map<string, Uint8Array>;
  programs: Map<string, GoBuild>;
  /** Records that are too large. */
  unread: Map<string, string>;
}

/**
 * The packages of one platform's base image: reads all its layers once, and runs nothing. Fails with code `integrity`
 * when a layer is not what the manifest says, and with the registry's errors.
 */
export async function readSoftware(base: Base, signal: AbortSignal): Promise<Software> {
  const all = nothing();
  const budget = { ...limits };
  try {
    for (const [at, layer] of base.layers.entries()) {
      const own = nothing();
      const bytes = base.contents[at]?.open(0, signal) ?? empty();
      const format = compressionOf(layer.mediaType);
      const tar = format ? inflate(bytes, format) : bytes;
      const members = readMembers(tar, { budget, most: decompressionLimit(layer.size) });
      for await (const { member, content } of members) {
        signal.throwIfAborted();
        await take(own, all, member, content);
      }
      add(own.records, all.records);
      add(own.programs, all.programs);
      add(own.unread, all.unread);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelcarsError) throw error;
    const problem = error instanceof Error ? error.message : String(error);
    throw new ModelcarsError('integrity', `read the packages of base ${base.name}: ${problem}`, {
      next: 'choose another base',
      cause: error,
    });
  }
  const { records, programs, unread } = all;
  const software = await softwareOf(records, programs);
  return { ...software, unread: [...software.unread, ...unread.values()] };
}

async function* empty(): AsyncGenerator<Uint8Array> {}

function nothing(): Contents {
  return { records: new Map(), programs: new Map(), unread: new Map() };
}

function add<V>(from: ReadonlyMap<string, V>, to: Map<string, V>): void {
  for (const [path, value] of from) to.set(path, value);
}

/**
 * Takes a member of a layer as an engine unpacks it: it replaces what is at its path, and a whiteout deletes what
 * earlier layers have there (image-spec layer.md). `all` is of the earlier layers.
 */
async function take(
  own: Contents,
  all: Contents,
  { path, type, mode, size }: Member,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const whiteout = /^(.*\/)?\.wh\.([^/]+)$/s.exec(path);
  if (whiteout !== null) {
    const [, folder = '', target = ''] = whiteout;
    // Of an opaque folder, everything in earlier layers is gone.
    remove(all, target === '.wh..opq' ? folder.replace(/\/$/, '') : folder + target);
    return;
  }
  if (type === 'directory') return;
  remove(all, path);
  remove(own, path);
  if (type !== 'file') return;
  if (isRecord(path)) await keep(own, path, size, bytes);
  else if ((mode & 0o111) !== 0) {
    const finder = new GoBuildFinder();
    for await (const chunk of bytes) finder.push(chunk);
    const build = finder.end();
    if (build !== undefined) own.programs.set(path, build);
  }
}

async function keep(
  { records, unread }: Contents,
  path: string,
  size: number,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  const kept = [...records.values()].reduce((sum, one) => sum + one.length, 0);
  if (kept + size > mostRecords) {
    unread.set(path, `/${path}: it has ${size} bytes`);
    return;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  records.set(path, Buffer.concat(chunks));
}

/** Removes a path and everything below it. */
function remove(contents: Contents, path: string): void {
  for (const map of Object.values(contents) as Map<string, unknown>[]) {
    map.delete(path);
    const below = path === '' ? '' : `${path}/`;
    for (const one of map.keys()) if (one.startsWith(below)) map.delete(one);
  }
}
