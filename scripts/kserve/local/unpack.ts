import { chmod, lchown, link, lstat, mkdir, open, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { ModelcarsError } from '../../errors.ts';
import { diskError, writeAll } from '../../files/atomic.ts';
import { type Descriptor, type ImageStore, mediaTypes } from '../../image/types.ts';

/** Whose eyes the files are for: the user of the pod. */
export interface Reader {
  uid: number;
  gid: number;
  /**
   * Whether owners can be set, which takes root. Where not, whoever unpacks owns everything, and so the owner's part of each mode is
   * made what `uid` and `gid` would be allowed.
   */
  chown: boolean;
}

/** As a directory is while files are put into it; its own mode comes last. */
const workMode = 0o700;
/** How many links a path may lead through: Linux' MAXSYMLINKS. */
const hopLimit = 40;

/**
 * Unpacks layers, in order, into the folder `root`, each file streamed, as a container engine does (image-spec layer.md): with the modes
 * and owners of the tars, whiteouts applied, no path or link leading out of `root`. Devices are left out. Fails with code `disk`
 * or `integrity`; `signal` stops it.
 */
export async function unpackLayers(
  store: Pick<ImageStore, 'open'>,
  layers: readonly Descriptor[],
  root: string,
  reader: Reader,
  signal: AbortSignal,
): Promise<void> {
  const modes = new Map<string, number>();
  try {
    for (const layer of layers) {
      const members = extract();
      const bytes = Readable.from(store.open(layer, 0, signal), { objectMode: false });
      const inflate = inflaterOf(layer.mediaType);
      const flow = inflate
        ? pipeline(bytes, inflate, members, { signal })
        : pipeline(bytes, members, { signal });
      flow.catch(() => undefined); // told by the loop below, or right after it
      for await (const entry of members) {
        await put(root, entry.header, entry as AsyncIterable<Uint8Array>, reader, modes);
        entry.resume();
      }
      await flow;
    }
    // The deepest first: a directory without x for its owner would be closed.
    for (const [path, mode] of [...modes].toSorted(([a], [b]) => b.length - a.length))
      await chmod(path, mode);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelcarsError) throw error;
    const known = diskError(`unpack into ${root}`, error);
    if (known instanceof ModelcarsError) throw known;
    throw new ModelcarsError(
      'integrity',
      `unpack the image: ${error instanceof Error ? error.message : error}`,
      {
        next: 'run `modelcars verify`; it names the layer that is damaged',
        cause: error,
      },
    );
  }
}

/** Deletes a folder with whatever modes its directories have. */
export async function removeTree(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error;
    await openUp(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

async function openUp(folder: string): Promise<void> {
  await chmod(folder, workMode);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await openUp(join(folder, entry.name));
}

async function put(
  root: string,
  header: Header,
  content: AsyncIterable<Uint8Array>,
  reader: Reader,
  modes: Map<string, number>,
): Promise<void> {
  const parts = header.name.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.pop();
  if (name === undefined) return; // the root itself
  if (name === '..')
    throw new ModelcarsError('integrity', 'unpack the image: a member of a layer is named `..`');
  const folder = await place(root, parts);
  if (name.startsWith('.wh.')) return await hide(folder, name);
  const path = join(folder, name);
  const old = await lstat(path).catch(() => undefined);
  if (old !== undefined && !(old.isDirectory() && header.type === 'directory')) {
    await rm(path, { recursive: true });
    for (const known of modes.keys()) if (known === path || known.startsWith(`${path}/`)) modes.delete(known);
  }
  const mode = reader.chown ? (header.mode ?? 0) : modeFor(reader, header);
  switch (header.type) {
    case 'directory':
      if (old?.isDirectory() !== true) await mkdir(path, workMode);
      modes.set(path, mode);
      break;
    case 'file':
    case 'contiguous-file': {
      await using file = await open(path, 'wx', 0o600);
      for await (const chunk of content) await writeAll(file, chunk);
      break;
    }
    case 'symlink':
      await symlink(header.linkname ?? '', path);
      break;
    case 'link': {
      const target = (header.linkname ?? '').split('/').filter((part) => part !== '' && part !== '.');
      const last = target.pop() ?? '';
      await link(join(await place(root, target), last), path);
      return; // owner and mode are those of the file it is
    }
    default:
      return;
  }
  if (reader.chown) await lchown(path, header.uid ?? 0, header.gid ?? 0);
  if (header.type !== 'symlink' && header.type !== 'directory') await chmod(path, mode);
}

/** The folder that `parts` lead to below `root`, links followed inside it; made where it is missing. */
async function place(root: string, parts: readonly string[]): Promise<string> {
  const todo = parts.toReversed();
  const trail: string[] = [];
  for (let hops = 0; ; ) {
    const part = todo.pop();
    if (part === undefined) return join(root, ...trail);
    if (part === '' || part === '.') continue;
    if (part === '..') {
      trail.pop();
      continue;
    }
    const path = join(root, ...trail, part);
    const found = await lstat(path).catch(() => undefined);
    if (found === undefined) await mkdir(path, 0o755);
    if (found?.isSymbolicLink()) {
      if (++hops > hopLimit)
        throw new ModelcarsError('integrity', 'unpack the image: its links go in circles');
      const target = await readlink(path);
      if (target.startsWith('/')) trail.length = 0;
      todo.push(...target.split('/').toReversed());
      continue;
    }
    trail.push(part);
  }
}

/** A whiteout (image-spec layer.md, "Whiteouts"): takes away what lower layers put there. */
async function hide(folder: string, name: string): Promise<void> {
  if (name !== '.wh..wh..opq') {
    const hidden = name.slice('.wh.'.length);
    if (hidden !== '' && hidden !== '.' && hidden !== '..')
      await rm(join(folder, hidden), { recursive: true, force: true });
    return;
  }
  for (const entry of await readdir(folder)) await rm(join(folder, entry), { recursive: true, force: true });
}

/** A mode whose owner's part is what `reader` may do, by owner, group or other as the kernel would choose. */
function modeFor({ uid, gid }: Reader, header: Header): number {
  const mode = header.mode ?? 0;
  const shift = header.uid === uid ? 6 : header.gid === gid ? 3 : 0;
  return ((mode >> shift) & 0o7) << 6;
}

function inflaterOf(mediaType: string): NodeJS.ReadWriteStream | undefined {
  if (mediaType === mediaTypes.layerGzip || mediaType === mediaTypes.dockerLayerGzip) return createGunzip();
  return mediaType === mediaTypes.layerZstd ? createZstdDecompress() : undefined;
}
