import { createHash, type Hash } from 'node:crypto';
import { compressionOf } from '../image/layer-compression.ts';
import type { Digest, ImageStore } from '../image/types.ts';
import { recycle } from '../memory/stream-buffers.ts';
import { ContentWalks, type OpenWalk } from './content-walks.ts';
import { Decompressor, decompressionLimit } from './decompress.ts';
import type { LayerDescriptor } from './documents.ts';
import { BrokenTar } from './header.ts';
import { touchesModels } from './paths.ts';
import { type ImageBudget, type Member, TarParser } from './tar.ts';
import { ContractViolation } from './violation.ts';

/** The result of one pass over a layer's bytes. */
export interface LayerFacts {
  digest: Digest;
  /** Bytes of the blob. */
  size: number;
  /** sha256 of the uncompressed tar. */
  diffId: Digest;
  members: Member[];
  /** The deviation of the tar itself, apart from its members. */
  odd: string | undefined;
  /** Whether any member changes files under /models: true for a model layer, and for a base that should not. */
  isModel: boolean;
}

export interface ReadOptions {
  signal: AbortSignal;
  /** Called with the number of the blob's bytes just read. */
  onBytes?: ((count: number) => void) | undefined;
  budget: ImageBudget;
  /**
   * Most bytes that the tar of a correct layer can have, known from elsewhere; allowed even if its size suggests fewer.
   */
  wanted?: number | undefined;
  /** Opens a walk of the bytes of a file under /models. */
  openWalk?: OpenWalk | undefined;
}

/**
 * Reads a layer once, from its first byte to its last, and checks it against its descriptor. A wrong blob is reported
 * before any error in its tar, so that a torn download is not mistaken for a bad tar. Throws a ContractViolation.
 */
export async function readLayer(
  store: ImageStore,
  layer: LayerDescriptor,
  options: ReadOptions,
): Promise<LayerFacts> {
  const where = { layer: layer.digest };
  const promised = { mediaType: layer.mediaType, digest: layer.digest, size: layer.size };
  const blobHash = createHash('sha256');
  const format = compressionOf(layer.mediaType);
  const tar = new GuardedTar(options.budget, options.openWalk, format !== undefined);
  const decompressor =
    format === undefined
      ? undefined
      : new Decompressor(format, (chunk) => tar.push(chunk), decompressionLimit(layer.size, options.wanted));
  let size = 0;
  try {
    for await (const chunk of store.open(promised, 0, options.signal)) {
      options.signal.throwIfAborted();
      size += chunk.length;
      if (size > layer.size)
        throw new ContractViolation(
          `the blob has more than the ${layer.size} bytes its manifest states`,
          where,
        );
      blobHash.update(chunk);
      options.onBytes?.(chunk.length);
      if (decompressor === undefined) tar.push(chunk);
      else await decompressor.write(chunk);
      await tar.settled();
      // A decompressor may read it later.
      if (decompressor === undefined) recycle(chunk);
    }
    await decompressor?.end();
    await tar.settled();
  } finally {
    decompressor?.destroy();
  }
  if (size !== layer.size)
    throw new ContractViolation(`the blob has ${size} bytes, its manifest states ${layer.size}`, where);
  const digest = `sha256:${blobHash.digest('hex')}`;
  if (digest !== layer.digest) throw new ContractViolation(`the blob has the digest ${digest}`, where);
  if (decompressor?.error !== undefined)
    throw new ContractViolation(`the blob is not ${format}: ${decompressor.error}`, where);
  return { digest: layer.digest, size, ...tar.finish(layer.digest) };
}

/** A TarParser that hashes the tar and holds its first error back until the end. */
class GuardedTar {
  readonly #reader: TarParser;
  /** Undefined for a tar that is not compressed, whose digest is that of the blob. */
  readonly #hash: Hash | undefined;
  readonly #walks: ContentWalks | undefined;
  #error: unknown;

  constructor(budget: ImageBudget, openWalk: OpenWalk | undefined, isCompressed: boolean) {
    this.#hash = isCompressed ? createHash('sha256') : undefined;
    this.#walks = openWalk && new ContentWalks(openWalk);
    this.#reader = new TarParser(budget, true, this.#walks);
  }

  /** Resolves when the walks of files have taken what was pushed. */
  async settled(): Promise<void> {
    await this.#walks?.settled();
  }

  push(chunk: Uint8Array): void {
    this.#hash?.update(chunk);
    this.#attempt(() => this.#reader.push(chunk));
  }

  finish(layer: Digest): Pick<LayerFacts, 'diffId' | 'members' | 'odd' | 'isModel'> {
    this.#attempt(() => this.#reader.end());
    if (this.#error instanceof BrokenTar) throw new ContractViolation(this.#error.message, { layer });
    if (this.#error !== undefined) throw this.#error;
    const { members, odd } = this.#reader;
    const diffId: Digest = this.#hash ? `sha256:${this.#hash.digest('hex')}` : layer;
    return { diffId, members, odd, isModel: members.some(touchesModels) };
  }

  #attempt(action: () => void): void {
    if (this.#error !== undefined) return;
    try {
      action();
    } catch (error) {
      this.#error = error;
    }
  }
}
