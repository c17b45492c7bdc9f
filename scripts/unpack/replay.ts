import { createHash } from 'node:crypto';
import { ModelcarsError } from '../errors.ts';
import { readFrom } from '../files/read.ts';
import type { Descriptor, ImageStore } from '../image/types.ts';

/** Bytes of a blob that are on disk. */
export interface Kept {
  /** Offset in the blob. */
  at: number;
  /** Bytes. */
  size: number;
  path: string;
}

/**
 * The bytes of a blob, in order: those in `kept` (sorted, without overlaps) from the disk, all others from `store`. The
 * digest of the whole is checked, so bytes on disk are trusted as little as those of a registry: fails with code
 * `integrity` at the end. `onBytes` gets the number of bytes, and whether they came from the disk.
 */
export async function* replay(
  store: Pick<ImageStore, 'open'>,
  blob: Descriptor,
  kept: readonly Kept[],
  onBytes: (count: number, fromDisk: boolean) => void,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  // Read whole, the store hashes it.
  const hash = kept.length > 0 ? createHash('sha256') : undefined;
  let at = 0;
  async function* pass(bytes: AsyncIterable<Uint8Array>, end: number, fromDisk: boolean) {
    for await (const chunk of bytes) {
      const part = chunk.subarray(0, end - at);
      at += part.length;
      hash?.update(part);
      onBytes(part.length, fromDisk);
      yield part;
      if (at >= end) return;
    }
  }
  for (const part of kept) {
    if (at < part.at) yield* pass(store.open(blob, at, signal), part.at, false);
    yield* pass(readFrom(part.path, 0, signal), part.at + part.size, true);
  }
  if (at < blob.size || at === 0) {
    // Not stopped at the last byte: the store's own check of the digest comes after it.
    yield* pass(store.open(blob, at, signal), Number.POSITIVE_INFINITY, false);
  }
  const digest = hash === undefined ? blob.digest : `sha256:${hash.digest('hex')}`;
  if (digest === blob.digest) return;
  throw new ModelcarsError('integrity', `pull ${blob.digest}: its bytes have digest ${digest}`, {
    next: 'run the same command again; if it fails again, the registry or the disk damages data',
  });
}
