import { constants } from 'node:fs';
import { chmod, lchown, link, lstat, mkdir, open, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelcarsError } from '../../errors.ts';
import { diskError, writeAll } from '../../files/atomic.ts';
import { compressionOf } from '../../image/layer-compression.ts';
import type { Descriptor, ImageStore } from '../../image/types.ts';
import { recycle } from '../../memory/stream-buffers.ts';
import { plain } from '../../text/format.ts';
import { decompressionLimit } from '../../verify/decompress.ts';
import { inflate } from '../../verify/inflate.ts';
import type { Member } from '../../verify/tar.ts';
import { readMembers } from '../../verify/tar-members.ts';
import { unpackedSize } from './image.ts';

/** The user of the pod, which has to read the files. */
export interface Reader {
  uid: number;
  gid: number;
  /**
   * Whether owners can be set, which takes root. Otherwise the current user owns everything, and the owner bits of each
   * mode are set to the permissions of `uid` and `gid`.
   */
  chown: boolean;
}

/** Mode of a directory while files are written into it; its own mode is set at the end. */
const workMode = 0o700;
/** Modes without set-user-ID and set-group-ID: no program of an image must run as root. */
const keptModes = 0o1777;
/** Limits for the layers of one image: members, and bytes of their names. As in `verify`. */
const limits = { members: 200_000, names: 32 * 1024 ** 2 };
/** Bytes of headers and padding that a layer may have in addition to its files. */
const tarOverhead = 256 * 1024 ** 2;
/** Members that cannot be created, by the system's error code. */
const impossible: Record<string, string> = {
  ENOTDIR: 'its parent is no folder',
  ENOENT: 'what it links to is missing',
  EPERM: 'what it links to is a folder',
  EXDEV: 'what it links to is on another file system',
  EMLINK: 'the file has too many links',
  ENAMETOOLONG: 'its name is too long',
  EINVAL: 'its name or owner is invalid',
  EILSEQ: 'its name is invalid',
  ERR_INVALID_ARG_VALUE: 'its name is invalid',
  ERR_OUT_OF_RANGE: 'its owner is invalid',
};

/** Directories in creation order, with the modes to set at the end. */
type Folders = Map<string, Folder>;
type Folder = { mode: number; dev: number; ino: number };

/** Limit on the symbolic links in a path: Linux' MAXSYMLINKS. */
const hopLimit = 40;

/**
 * Unpacks layers, in order, into the folder `root`, streaming each file, as a container engine does (image-spec
 * layer.md): with the modes and owners of the tars, whiteouts applied, and no path or link leading out of `root`. Skips
 * devices. Fails with code `disk` or `integrity`; `signal` stops it.
 */
export async function unpackLayers(
  store: Pick<ImageStore, 'open'>,
  layers: readonly Descriptor[],
  root: string,
  reader: Reader,
  signal: AbortSignal,
): Promise<void> {
  const folders: Folders = new Map();
  const budget = { ...limits };
  try {
    for (const layer of layers) {
      const bytes = store.open(layer, 0, signal);
      const format = compressionOf(layer.mediaType);
      const most = format ? decompressionLimit(layer.size, unpackedSize(layer) + tarOverhead) : layer.size;
      const tar = format ? inflate(bytes, format) : bytes;
      for await (const { member, content } of readMembers(tar, { budget, most })) {
        signal.throwIfAborted();
        await place(root, member, content, reader, folders);
      }
    }
    // Deepest first: a directory without x for its owner could no longer be entered.
    for (const [path, folder] of [...folders].toSorted(([a], [b]) => b.length - a.length))
      await setMode(path, folder);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ModelcarsError) throw error;
    const known = diskError(`unpack into ${root}`, error);
    if (known instanceof ModelcarsError) throw known;
    throw broken(error instanceof Error ? error.message : String(error), error);
  }
}

function broken(problem: string, cause?: unknown): ModelcarsError {
  return new ModelcarsError('integrity', `unpack the image: ${problem}`, {
    next: 'run `modelcars verify`, which names the damaged layer',
    cause,
  });
}

/**
 * Sets a directory's own mode, unless another directory or a link has replaced it: the mode must not reach outside the
 * root.
 */
async function setMode(path: string, { mode, dev, ino }: Folder): Promise<void> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const handle = await open(path, flags).catch(() => undefined);
  if (handle === undefined) return; // removed by a later layer
  try {
    const found = await handle.stat();
    if (found.dev === dev && found.ino === ino) await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

/** Writes a member to its place. Errors of the file system are reported with the member's name. */
async function place(...[root, member, ...rest]: Parameters<typeof put>): Promise<void> {
  try {
    await put(root, member, ...rest);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const problem = Object.hasOwn(impossible, code) ? impossible[code] : undefined;
    if (problem === undefined || (code === 'EPERM' && member.type !== 'hard link')) throw error;
    throw broken(`${plain(member.name)}: ${problem}`, error);
  }
}

/** Deletes a folder, regardless of its directories' modes. */
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
  member: Member,
  content: AsyncIterable<Uint8Array>,
  reader: Reader,
  folders: Folders,
): Promise<void> {
  const parts = member.name.split('/').filter((part) => part !== '' && part !== '.');
  const name = parts.pop();
  if (name === undefined) return; // the root itself
  if (name === '..') throw broken('a member of a layer is named `..`');
  const folder = await folderAt(root, parts);
  if (name.startsWith('.wh.')) return await hide(folder, name);
  const path = join(folder, name);
  const old = await lstat(path).catch(() => undefined);
  if (old !== undefined && !(old.isDirectory() && member.type === 'directory')) {
    await rm(path, { recursive: true });
  }
  const mode = reader.chown ? member.mode & keptModes : modeFor(reader, member);
  switch (member.type) {
    case 'directory': {
      if (old?.isDirectory() !== true) await mkdir(path, workMode);
      const { dev, ino } = await lstat(path);
      folders.set(path, { mode, dev, ino });
      break;
    }
    case 'file': {
      await using file = await open(path, 'wx', 0o600);
      for await (const chunk of content) {
        await writeAll(file, chunk);
        recycle(chunk);
      }
      break;
    }
    case 'symbolic link':
      await symlink(member.link ?? '', path);
      break;
    case 'hard link': {
      const target = (member.link ?? '').split('/').filter((part) => part !== '' && part !== '.');
      const last = target.pop() ?? '';
      await link(join(await folderAt(root, target), last), path);
      return; // it has the owner and mode of its target file
    }
    default:
      return;
  }
  if (reader.chown) await lchown(path, member.uid, member.gid);
  if (member.type !== 'symbolic link' && member.type !== 'directory') await chmod(path, mode);
}

/** The folder that `parts` lead to below `root`, following links inside it; creates missing folders. */
async function folderAt(root: string, parts: readonly string[]): Promise<string> {
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
      if (++hops > hopLimit) throw broken('its links form a loop');
      const target = await readlink(path);
      if (target.startsWith('/')) trail.length = 0;
      todo.push(...target.split('/').toReversed());
      continue;
    }
    trail.push(part);
  }
}

/** Applies a whiteout (image-spec layer.md, "Whiteouts"): removes the entries of lower layers. */
async function hide(folder: string, name: string): Promise<void> {
  if (name !== '.wh..wh..opq') {
    const hidden = name.slice('.wh.'.length);
    if (hidden !== '' && hidden !== '.' && hidden !== '..')
      await rm(join(folder, hidden), { recursive: true, force: true });
    return;
  }
  for (const entry of await readdir(folder)) await rm(join(folder, entry), { recursive: true, force: true });
}

/**
 * A mode whose owner bits are the permissions of `reader`: the owner, group or other bits, as the kernel would choose.
 */
function modeFor({ uid, gid }: Reader, member: Member): number {
  const shift = member.uid === uid ? 6 : member.gid === gid ? 3 : 0;
  return ((member.mode >> shift) & 0o7) << 6;
}
