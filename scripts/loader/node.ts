import type { Base } from '../bases/base-image.ts';
import { ModelcarsError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import { type Content, mediaTypes } from '../image/types.ts';
import { plain } from '../text/format.ts';
import { Decompressor } from '../verify/decompress.ts';
import { BrokenTar } from '../verify/header.ts';
import { hasProgram, pathFolders } from '../verify/programs.ts';
import { type ImageBudget, TarParser } from '../verify/tar.ts';
import { Tree } from '../verify/tree.ts';
import { ContractViolation } from '../verify/violation.ts';
import { nodeBase } from './files.ts';

/** Limits for reading a base image to find Node: ten times the largest official Node image. */
const limits = {
  /** Bytes of the layers as stored. */
  stored: 4 * 1024 ** 3,
  /** Bytes of the unpacked layers. */
  unpacked: 16 * 1024 ** 3,
  members: 500_000,
  /** Bytes of the members' names. */
  names: 64 * 1024 ** 2,
};

/**
 * Fails with code `catalog` when a loader's base has no `node` on its PATH that any user can run: the container could
 * not start in any cluster. The layers are read once, for their member names; `verb` begins the error. Fails with code
 * `integrity` when they are not layers, or too large to search.
 */
export async function checkNode(
  base: Base,
  verb: string,
  signal?: AbortSignal,
  most: typeof limits = limits,
): Promise<void> {
  const where = `${verb}: base ${plain(base.name)} (${formatPlatform(base.platform)})`;
  const stored = base.layers.reduce((sum, { size }) => sum + size, 0);
  if (stored > most.stored) throw tooLarge(where, `its layers have ${stored} bytes`);
  const tree = new Tree();
  const budget: ImageBudget = { members: most.members, names: most.names };
  const room = { unpacked: most.unpacked };
  try {
    for (const content of base.contents) await readMembers(content, tree, budget, room, signal);
  } catch (error) {
    if (error instanceof TooMuch) throw tooLarge(where, `its layers unpack to over ${most.unpacked} bytes`);
    if (error instanceof BrokenTar || error instanceof ContractViolation) throw broken(where, error.message);
    throw error;
  }
  const folders = pathFolders(base.config.config?.Env);
  if (hasProgram(tree, folders, 'node')) return;
  throw new ModelcarsError(
    'catalog',
    `${where} has no \`node\` that any user can run on ${plain(folders.join(':'), 300)}`,
    { next: nodeBase },
  );
}

class TooMuch extends Error {}

/** Adds a layer's members to the tree. */
async function readMembers(
  content: Content,
  tree: Tree,
  budget: ImageBudget,
  room: { unpacked: number },
  signal?: AbortSignal,
): Promise<void> {
  const tar = new TarParser(budget);
  let failure: unknown;
  const unpack = (chunk: Uint8Array) => {
    room.unpacked -= chunk.length;
    if (failure !== undefined || room.unpacked < 0) return;
    try {
      tar.push(chunk);
    } catch (error) {
      failure = error;
    }
  };
  const check = () => {
    if (failure !== undefined) throw failure;
    if (room.unpacked < 0) throw new TooMuch();
  };
  const format = formats[content.mediaType];
  if (format === undefined) throw new BrokenTar(`a layer has the media type ${plain(content.mediaType)}`);
  const decompressor = format === 'none' ? undefined : new Decompressor(format, unpack);
  try {
    for await (const chunk of content.open(0, signal)) {
      if (decompressor === undefined) unpack(chunk);
      else await decompressor.write(chunk);
      check();
    }
    await decompressor?.end();
  } finally {
    decompressor?.destroy();
  }
  check();
  if (decompressor?.error !== undefined)
    throw new BrokenTar(`a layer is not ${format}: ${decompressor.error}`);
  tar.end();
  for (const member of tar.members) tree.add(member);
}

const formats: Record<string, 'none' | 'gzip' | 'zstd'> = {
  [mediaTypes.layer]: 'none',
  [mediaTypes.layerGzip]: 'gzip',
  [mediaTypes.layerZstd]: 'zstd',
};

function tooLarge(where: string, why: string): ModelcarsError {
  return new ModelcarsError('integrity', `${where}: ${why}, too many to look for \`node\``, {
    next: nodeBase,
  });
}

function broken(where: string, why: string): ModelcarsError {
  return new ModelcarsError('integrity', `${where}: ${plain(why)}`, { next: 'choose another base' });
}
