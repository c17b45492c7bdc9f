import { ModelcarsError, stopIfAborted } from '../../errors.ts';
import type { ImageStore } from '../../image/types.ts';
import { decompressionLimit } from '../../verify/decompress.ts';
import { inflate } from '../../verify/inflate.ts';
import { cleanPath } from '../../verify/paths.ts';
import type { ImageBudget } from '../../verify/tar.ts';
import { type ReadMember, readMembers } from '../../verify/tar-members.ts';
import { short } from '../../verify/violation.ts';
import type { ContentLayer } from './layers.ts';

/** A tar with its compression. */
export type TarLayer = Extract<ContentLayer, { kind: 'tar' }>;

/** A member of a tar. */
export interface TarMember {
  path: string;
  /** As in verify: `file`, `directory`, `symbolic link`, `hard link` or another word. */
  type: string;
  mode: number;
  link?: string;
  /** Bytes. */
  size: number;
  /** Of its first byte in the unpacked tar. */
  offset: number;
}

/** A member's content is skipped with another request from this size on: fewer bytes arrive sooner than that answers. */
const longSkip = 4 * 1024 ** 2;

/** The members of a layer. Of a plain tar, only headers and short files are read; of a compressed one everything. */
export async function listTar(
  store: Pick<ImageStore, 'open'>,
  layer: TarLayer,
  budget: ImageBudget,
  signal?: AbortSignal,
): Promise<TarMember[]> {
  const members: TarMember[] = [];
  const { size } = layer.descriptor;
  for (let start = 0; start < size || start === 0; ) {
    let next = Number.POSITIVE_INFINITY;
    for await (const { member } of readTar(store, layer, budget, start, signal)) {
      members.push(member);
      if (layer.compression !== undefined || member.type !== 'file' || member.size < longSkip) continue;
      next = member.offset + 512 * Math.ceil(member.size / 512);
      if (next > size) throw brokenLayer(layer, 'the tar ends in the middle of a member');
      break;
    }
    start = next;
  }
  return members;
}

/**
 * The members of a tar, in order, with their content, which can be read until the next member is requested. `start` is
 * an offset between members. Read to the end from 0, the layer's digest is verified. Within the limits of `verify`;
 * fails with code `integrity`.
 */
export async function* readTar(
  store: Pick<ImageStore, 'open'>,
  layer: TarLayer,
  budget: ImageBudget,
  start = 0,
  signal?: AbortSignal,
): AsyncGenerator<{ member: TarMember; content: AsyncIterable<Uint8Array> }> {
  const { descriptor, compression, prefix } = layer;
  const bytes = store.open(descriptor, start, signal);
  const most = compression ? decompressionLimit(descriptor.size) : descriptor.size - start;
  const failed = (error: unknown): unknown => {
    if (signal) stopIfAborted(signal);
    if (error instanceof ModelcarsError) return error;
    return brokenLayer(layer, error instanceof Error ? error.message : String(error), error);
  };
  const tar = compression ? inflate(bytes, compression) : bytes;
  for await (const { content, ...read } of readMembers(tar, { budget, most, failed }))
    yield { member: memberOf(read, prefix, start), content };
}

function memberOf(
  { member: { name, type, mode, link, size }, offset }: Omit<ReadMember, 'content'>,
  prefix: string,
  start: number,
): TarMember {
  // `cleanPath` resolves `..` inside the root, so the prefix is joined first.
  const inside = (path: string) => cleanPath(`${prefix}/${path}`);
  return {
    path: inside(name),
    type,
    mode,
    ...(link ? { link: type === 'hard link' ? inside(link) : link } : {}),
    size,
    offset: start + offset,
  };
}

function brokenLayer({ descriptor }: TarLayer, problem: string, cause?: unknown): ModelcarsError {
  return new ModelcarsError('integrity', `read layer ${short(descriptor.digest)}: ${problem}`, {
    next: 'push the image or artifact again: this one is damaged',
    cause,
  });
}
