import { type FileHandle, open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { ModelcarsError, stopIfAborted } from '../errors.ts';
import { diskError, writeAll, writeTextAtomically } from '../files/atomic.ts';
import { makeFolder } from '../files/folder.ts';
import { streamHash } from '../hashing/stream-hash.ts';
import type { ImageStore } from '../image/types.ts';
import { recycle } from '../memory/stream-buffers.ts';
import type { ContentLayer } from '../sources/oci/layers.ts';
import { readTar, type TarMember } from '../sources/oci/tar.ts';
import { plain } from '../text/format.ts';
import type { ImageBudget } from '../verify/tar.ts';
import { type Kept, replay } from './replay.ts';
import { sha256Of } from './target.ts';

/** A file of a layer on disk, under a name that does not come from the image. */
export interface StagedFile {
  path: string;
  /** Bytes. */
  size: number;
  /** 64 lower-case hexadecimal digits. */
  sha256: string;
}

/** A layer that was read whole, and matched its digest. */
export interface StagedLayer {
  /** All members of a tar, in order; none for a layer that is one file. */
  members: TarMember[];
  /** By the member's offset; 0 for a layer that is one file. */
  files: Map<number, StagedFile>;
}

export interface StageOptions {
  /** How errors begin: "pull quay.io/me/iris:v1.2.3". */
  what: string;
  /** The layer's own folder, on the disk of the target. */
  folder: string;
  /** Which members of a tar are written. */
  wanted(member: TarMember): boolean;
  /** Refuses a file: called as soon as its bytes are complete. */
  check(member: TarMember, sha256: string): void;
  budget: ImageBudget;
  signal: AbortSignal;
  /** Bytes of the layer that are done, and whether they were on disk already; negative when it is read again. */
  onBytes(count: number, fromDisk: boolean): void;
}

/** Bytes on disk that are worth a request of their own to skip them. */
const worthSkipping = 256 * 1024;
const recordName = 'complete.json';

const recordSchema = z.object({
  version: z.literal(1),
  members: z.array(
    z.object({
      path: z.string(),
      type: z.string(),
      mode: z.number(),
      link: z.string().exactOptional(),
      size: z.number(),
      offset: z.number(),
    }),
  ),
  files: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative(), z.string()])),
});

/**
 * Reads a layer once, from its first byte to its last, and writes its files to `folder`, each named by its offset. What
 * an earlier run left there is used again: a complete layer after its files were hashed, and the bytes of an incomplete
 * one that is not compressed, which the digest of the whole layer covers. Fails with code `integrity` or `disk`.
 */
export async function stageLayer(
  store: Pick<ImageStore, 'open'>,
  layer: ContentLayer,
  options: StageOptions,
): Promise<StagedLayer> {
  const { what, folder, signal } = options;
  try {
    makeFolder(folder, 0o700);
    const complete = await readComplete(layer, options);
    if (complete !== undefined) return complete;
    const staged = await readOrStartOver(store, layer, options);
    const files = [...staged.files].map(([offset, { size, sha256 }]) => [offset, size, sha256]);
    await writeTextAtomically(
      join(folder, recordName),
      JSON.stringify({ version: 1, members: staged.members, files }),
    );
    return staged;
  } catch (error) {
    stopIfAborted(signal);
    throw diskError(what, error);
  }
}

/** Reads a layer; again from its first byte where what an earlier run left on disk turns out to be wrong. */
async function readOrStartOver(
  store: Pick<ImageStore, 'open'>,
  layer: ContentLayer,
  options: StageOptions,
): Promise<StagedLayer> {
  const { folder, onBytes, signal } = options;
  for (;;) {
    const kept = await keptBytes(layer, folder);
    const done = { disk: 0, store: 0 };
    const count = (bytes: number, fromDisk: boolean) => {
      done[fromDisk ? 'disk' : 'store'] += bytes;
      onBytes(bytes, fromDisk);
    };
    try {
      return await readLayer(store, layer, kept, { ...options, onBytes: count });
    } catch (error) {
      if (!(error instanceof ModelcarsError && error.code === 'integrity')) throw error;
      await rm(folder, { recursive: true, force: true });
      if (kept.length === 0) throw error;
      stopIfAborted(signal);
      onBytes(-done.disk, true);
      onBytes(-done.store, false);
      makeFolder(folder, 0o700);
    }
  }
}

/** A layer that an earlier run completed, if its files still have their bytes. */
async function readComplete(
  layer: ContentLayer,
  { folder, wanted, check, signal, onBytes }: StageOptions,
): Promise<StagedLayer | undefined> {
  const text = await readFile(join(folder, recordName), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const record = parseRecord(text);
  const files = new Map<number, StagedFile>();
  for (const [offset, size, sha256] of record?.files ?? []) {
    const path = join(folder, String(offset));
    const found = await stat(path).catch(() => undefined);
    if (found?.size !== size || (await sha256Of(path, signal)) !== sha256) break;
    files.set(offset, { path, size, sha256 });
  }
  const members = record?.members ?? [];
  const isWhole = record !== undefined && files.size === record.files.length;
  const lacks = members.some(
    (member) => member.type === 'file' && wanted(member) && !files.has(member.offset),
  );
  if (!isWhole || lacks) {
    await rm(join(folder, recordName), { force: true });
    return undefined;
  }
  for (const member of members) {
    const sha256 = files.get(member.offset)?.sha256;
    if (member.type === 'file' && sha256 !== undefined) check(member, sha256);
  }
  onBytes(layer.descriptor.size, true);
  return { members, files };
}

function parseRecord(text: string): z.infer<typeof recordSchema> | undefined {
  try {
    return recordSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The bytes that an earlier run wrote; deletes what cannot be used. */
async function keptBytes(layer: ContentLayer, folder: string): Promise<Kept[]> {
  const isCompressed = layer.kind === 'tar' && layer.compression !== undefined;
  const kept: Kept[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const { size } = await stat(path);
    const at = Number(name);
    const isUsable = /^\d{1,15}$/.test(name) && size >= worthSkipping && at + size <= layer.descriptor.size;
    if (isUsable && !isCompressed) kept.push({ at, size, path });
    else await rm(path, { recursive: true, force: true });
  }
  kept.sort((a, b) => a.at - b.at);
  return kept.filter(({ at }, index) => {
    const before = kept[index - 1];
    return before === undefined || before.at + before.size <= at;
  });
}

async function readLayer(
  store: Pick<ImageStore, 'open'>,
  layer: ContentLayer,
  kept: readonly Kept[],
  options: StageOptions,
): Promise<StagedLayer> {
  const { folder, wanted, check, budget, signal, onBytes } = options;
  const bytes = { open: () => replay(store, layer.descriptor, kept, onBytes, signal) };
  const keptAt = (offset: number) => kept.find(({ at }) => at === offset)?.size ?? 0;
  const files = new Map<number, StagedFile>();
  if (layer.kind === 'file') {
    const path = join(folder, '0');
    files.set(0, await writeFileTo(path, bytes.open(), layer.descriptor.size, keptAt(0)));
    return { members: [], files };
  }
  const members: TarMember[] = [];
  for await (const { member, content } of readTar(bytes, layer, budget, 0, signal)) {
    members.push(member);
    if (member.type !== 'file' || !wanted(member)) continue;
    const path = join(folder, String(member.offset));
    const staged = await writeFileTo(path, content, member.size, keptAt(member.offset));
    if (staged.size !== member.size)
      throw new ModelcarsError('integrity', `pull ${plain(member.path)}: the layer ends early`);
    check(member, staged.sha256);
    files.set(member.offset, staged);
  }
  return { members, files };
}

/** Writes bytes to a file, of which the first `kept` are there; they should be `expected`. */
async function writeFileTo(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  expected: number,
  kept: number,
): Promise<StagedFile> {
  const hash = streamHash(expected);
  let size = 0;
  const handle: FileHandle = await open(path, kept > 0 ? 'r+' : 'w', 0o666);
  try {
    for await (const chunk of bytes) {
      const fresh = chunk.subarray(Math.max(0, kept - size));
      const written =
        fresh.length > 0 ? writeAll(handle, fresh, size + chunk.length - fresh.length) : undefined;
      const behind = hash.update(chunk); // hashed while the disk writes
      await written;
      if (behind) await behind;
      size += chunk.length;
      recycle(chunk);
    }
    await handle.datasync();
  } finally {
    await handle.close();
  }
  return { path, size, sha256: await hash.digest() };
}
