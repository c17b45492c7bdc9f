import { type StreamHash, streamHash } from '../hashing/stream-hash.ts';
import { recycle } from '../memory/stream-buffers.ts';
import { CorruptFile } from '../model/corrupt-file.ts';
import { type ImageFile, type LayerPlan, membersOf } from './plan.ts';
import { encodeHeader, endOfArchive, paddingOf } from './tar.ts';
import type { Digest } from './types.ts';

/** Opens the bytes of a file from `offset` to its end. */
export type OpenFile = (file: ImageFile, offset: number, signal?: AbortSignal) => AsyncIterable<Uint8Array>;

/** A contiguous range of the tar: known bytes, or a file's. */
export interface Segment {
  start: number;
  size: number;
  bytes?: Uint8Array;
  file?: ImageFile;
}

/** All segments of a plan's tar, in order. `mtime` in seconds. */
export function segmentsOf(plan: LayerPlan, mtime: number): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  const add = (segment: { size: number; bytes?: Uint8Array; file?: ImageFile }) => {
    if (segment.size > 0) segments.push({ start, ...segment });
    start += segment.size;
  };
  for (const member of membersOf(plan.files, mtime, plan.root)) {
    const header = encodeHeader(member);
    add({ size: header.length, bytes: header });
    if (member.file === undefined) continue;
    add({ size: member.size, file: member.file });
    const padding = paddingOf(member.size);
    add({ size: padding, bytes: new Uint8Array(padding) });
  }
  add({ size: endOfArchive.length, bytes: endOfArchive });
  return segments;
}

/** Which hashes a read computes. */
export interface Proofs {
  /**
   * SHA-256 of each file, compared with the locked one. Without it, the caller must check the whole tar by its digest.
   */
  files: boolean;
  /** SHA-256 of the tar, for `digest`. */
  tar: boolean;
}

/**
 * Reads the tar from the start or, after an interrupted read, from any offset already passed; hashes every byte at most
 * once, however often it is read.
 */
export class LayerStream {
  readonly #segments: readonly Segment[];
  readonly #openFile: OpenFile;
  readonly #proofs: Proofs;
  readonly #hash: StreamHash | undefined;
  readonly #size: number;
  /** Bytes of the tar read so far, and hashed where required. */
  #passed = 0;
  #digest: Digest | undefined;
  readonly #files = new Map<Segment, { hash: StreamHash; hashed: number }>();

  constructor(segments: readonly Segment[], openFile: OpenFile, proofs: Proofs) {
    this.#segments = segments;
    this.#openFile = openFile;
    this.#proofs = proofs;
    this.#size = segments.reduce((sum, { size }) => sum + size, 0);
    this.#hash = proofs.tar ? streamHash(this.#size) : undefined;
  }

  /** The digest of the whole tar, if `proofs` has it; undefined before all of the tar was read. */
  get digest(): Digest | undefined {
    return this.#digest;
  }

  /** The bytes from `offset`. Fails with a CorruptFile before the last chunk of a file that differs from the lock. */
  async *read(offset: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    // Jumping ahead would leave bytes unhashed: read those first.
    const from = Math.min(offset, this.#passed);
    for (const segment of this.#segments) {
      if (segment.start + segment.size <= from) continue;
      let at = Math.max(from, segment.start);
      for await (const chunk of this.#readSegment(segment, at - segment.start, signal)) {
        signal?.throwIfAborted();
        const fresh = at + chunk.length - this.#passed;
        if (fresh > 0) {
          // Counted before the wait: a read that was given up may still be in it when the next one starts.
          this.#passed += fresh;
          const behind = this.#hash?.update(chunk.subarray(chunk.length - fresh));
          if (behind) await behind;
          if (this.#hash && this.#passed === this.#size) this.#digest = `sha256:${await this.#hash.digest()}`;
        }
        const skipped = Math.max(0, offset - at);
        at += chunk.length;
        if (skipped < chunk.length) yield skipped === 0 ? chunk : chunk.subarray(skipped);
        else recycle(chunk);
      }
    }
  }

  async *#readSegment(segment: Segment, from: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (segment.bytes !== undefined) yield segment.bytes.subarray(from);
    if (segment.file === undefined) return;
    const { file } = segment;
    let state = this.#files.get(segment);
    if (state === undefined && this.#proofs.files) {
      state = { hash: streamHash(file.size), hashed: 0 };
      this.#files.set(segment, state);
    }
    let at = from;
    for await (const chunk of this.#openFile(file, from, signal)) {
      if (chunk.length === 0) continue;
      if (at + chunk.length > file.size)
        throw new CorruptFile(file, `has more than the ${file.size} bytes locked`);
      const fresh = state === undefined ? 0 : at + chunk.length - state.hashed;
      if (state !== undefined && fresh > 0) {
        state.hashed += fresh;
        const behind = state.hash.update(chunk.subarray(chunk.length - fresh));
        if (behind) await behind;
        if (state.hashed === file.size) {
          const actual = await state.hash.digest();
          if (actual !== file.sha256)
            throw new CorruptFile(file, `has sha256 ${actual}, the lock has ${file.sha256}`);
        }
      }
      at += chunk.length;
      yield chunk;
    }
    if (at < file.size) throw new CorruptFile(file, `ended after ${at} of ${file.size} bytes`);
  }
}
