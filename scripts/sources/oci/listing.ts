import { ModelcarsError } from '../../errors.ts';
import type { ImageStore } from '../../image/types.ts';
import { list, plain } from '../../text/format.ts';
import { compareBytes } from '../../text/paths.ts';
import { baseName, modelsRoot, parentOf } from '../../verify/paths.ts';
import { Tree } from '../../verify/tree.ts';
import { ContractViolation } from '../../verify/violation.ts';
import { checkPaths } from '../objects/check-paths.ts';
import { type Content, type ContentLayer, foreign } from './layers.ts';
import { listTar, type TarLayer, type TarMember } from './tar.ts';

/** Where the content of a path comes from: a layer, or a member of one. */
interface Origin {
  layer: ContentLayer;
  /** Of a tar. */
  member?: TarMember;
  /** Bytes. */
  size: number;
}

/** A file of an image or artifact, and where its bytes are. */
export interface OciFile extends Origin {
  path: string;
}

/** The members of a layer, in order. */
export type MembersOf = (layer: TarLayer) => Promise<readonly TarMember[]>;

/** Limits for all layers: members, and bytes of their names. As in `verify`. */
export const limits = { members: 200_000, names: 32 * 1024 ** 2 };
/** Folders of an operating system: an image with one of them is no model without a container around it. */
const systemFolders = ['bin', 'dev', 'etc', 'lib', 'lib64', 'proc', 'sbin', 'sys', 'usr', 'var'];

/**
 * The files of an image below /models, or of all of an artifact, sorted by path: stacked layers with whiteouts applied and
 * links to files followed. An image without /models counts as a whole, unless it contains an operating system. Fails with
 * code `source`, `integrity` or `limit`.
 */
export async function listFiles(
  store: Pick<ImageStore, 'open'>,
  content: Content,
  where: string,
  signal?: AbortSignal,
): Promise<OciFile[]> {
  const budget = { ...limits };
  return await stackFiles(content, (layer) => listTar(store, layer, budget, signal), where);
}

/**
 * The same, of layers whose members are known. With `strict`, a device, a pipe, or a link to nothing among the model's
 * files is an error rather than left out.
 */
export async function stackFiles(
  content: Content,
  membersOf: MembersOf,
  where: string,
  { strict = false } = {},
): Promise<OciFile[]> {
  try {
    const { tree, origins } = await stack(content.layers, membersOf, where);
    const root = content.isImage ? rootOf(tree, where) : '';
    return filesBelow(root, tree, origins, where, strict).sort((a, b) => compareBytes(a.path, b.path));
  } catch (error) {
    if (!(error instanceof ContractViolation)) throw error;
    // Only the tree throws it, about its size.
    throw new ModelcarsError('limit', `read ${where}: it has too many files or links to be a model`, {
      next: 'point `source` at an image with the model alone',
      cause: error,
    });
  }
}

async function stack(
  layers: readonly ContentLayer[],
  membersOf: MembersOf,
  where: string,
): Promise<{ tree: Tree; origins: Map<string, Origin> }> {
  const tree = new Tree();
  const origins = new Map<string, Origin>();
  for (const layer of layers) {
    if (layer.kind === 'file') {
      const { path } = layer;
      checkPaths(where, [path], 'push the artifact again with names relative to its folder');
      tree.add({ path, type: 'file', mode: 0o444 });
      origins.set(path, { layer, size: layer.descriptor.size });
      continue;
    }
    for (const member of await membersOf(layer)) {
      const target = member.type === 'hard link' ? origins.get(placeOf(tree, member.link ?? '')) : undefined;
      const place = tree.add(member);
      if (target !== undefined) origins.set(place, target);
      else origins.set(place, { layer, member, size: member.size });
    }
  }
  return { tree, origins };
}

/** The path of a hard link's target without links. */
function placeOf(tree: Tree, path: string): string {
  return tree.find(path)?.path ?? path;
}

/** The folder of an image's model, without links. */
function rootOf(tree: Tree, where: string): string {
  const models = tree.find(modelsRoot);
  if (models?.type === 'directory') return models.path;
  const names = tree.names('');
  if (!names.some((name) => systemFolders.includes(name))) return '';
  const others = names.filter((name) => !systemFolders.includes(name)).sort(compareBytes);
  const found = list(
    others.slice(0, 12).map((name) => `/${plain(name, 60)}`),
    'and',
  );
  throw foreign(
    where,
    `it is an image without /models${found === '' ? '' : `; beside its system it has ${found}`}`,
  );
}

function filesBelow(
  root: string,
  tree: Tree,
  origins: ReadonlyMap<string, Origin>,
  where: string,
  strict: boolean,
): OciFile[] {
  const files: OciFile[] = [];
  const start = root === '' ? '' : `${root}/`;
  for (const place of origins.keys()) {
    if (!place.startsWith(start) || place === start) continue;
    const found = tree.find(place);
    const path = place.slice(start.length);
    const origin = found?.type === 'file' ? origins.get(found.path) : undefined;
    if (origin !== undefined) files.push({ ...origin, path });
    else if (found?.type === 'directory' && found.path !== place)
      throw new ModelcarsError('source', `read ${where}: ${plain(path)} is a link to a folder`, {
        next: 'build the image with the files themselves in /models',
      });
    else if (strict && isOdd(tree, place)) throw oddFile(where, path, found?.type);
  }
  return files;
}

/** Whether something that is no file, folder or link to one is at a place; members that a later layer removed are not. */
function isOdd(tree: Tree, place: string): boolean {
  const type = tree.find(place)?.type;
  if (type !== undefined) return type !== 'file' && type !== 'directory';
  return tree.names(parentOf(place)).includes(baseName(place));
}

function oddFile(where: string, path: string, type: string | undefined): ModelcarsError {
  const what = type === undefined ? 'a link to a file that the image does not have' : `a ${type}`;
  return new ModelcarsError('integrity', `read ${where}: ${plain(path)} is ${what}, no file of a model`, {
    next: 'build the image with regular files only',
  });
}
