import { createHash, type Hash } from 'node:crypto';
import { ModelcarsError } from '../errors.ts';
import { WrongFile } from '../files/wrong.ts';
import { compress } from './compress.ts';
import { type ImageFile, type LayerPlan, membersOf } from './plan.ts';
import { encodeHeader, endOfArchive, paddingOf } from './tar.ts';
import { type Content, type Digest, mediaTypes } from './types.ts';

/** Gives the bytes of a file from `offset` to its end. */
export type OpenFile = (file: ImageFile, offset: number, signal?: AbortSignal) => AsyncIterable<Uint8Array>;

export interface LayerOptions {
  /** Seconds since 1970: the time of every member. */
  mtime: number;
  compression: 'none' | 'gzip' | 'zstd';
}

/** A layer that is made while it is read. */
export interface Layer extends Content {
  plan: LayerPlan;
  /** 64 hexadecimal digits; equal for two layers exactly when their bytes are equal. */
  key: string;
  /** Digest of the uncompressed tar, for the config's `rootfs.diff_ids`. Throws before the whole was read once. */
  diffId(): Digest;
}

/** Layer format; to be raised when a change here makes other bytes of the same files, so that no memory of old ones is used. */
const formatVersion = 1;

const layerMediaType = { none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd };

/**
 * The layer of a plan as content: headers are computed, files are opened one after the other when their turn comes,
 * each file's sha256 is checked on the way through, before its last chunk is passed on. An uncompressed layer opens at
 * any offset; a compressed one reads on to it.
 */
export function layerOf(plan: LayerPlan, openFile: OpenFile, options: LayerOptions): Layer {
  const segments = segmentsOf(plan, options.mtime);
  const key = createHash('sha256')
    .update(
      JSON.stringify([formatVersion, options.mtime, options.compression, ...(plan.root ? [plan.root] : [])]),
    )
    .update(JSON.stringify(plan.files.map((file) => [file.path, file.size, file.sha256])))
    .digest('hex');
  let diffId: Digest | undefined;
  let reader = new TarReader(segments, openFile);

  async function* openTar(offset: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (offset === 0) reader = new TarReader(segments, openFile);
    const current = reader;
    yield* current.read(offset, signal);
    diffId = current.digest();
  }
  const common = {
    plan,
    key,
    mediaType: layerMediaType[options.compression],
    diffId: (): Digest => {
      if (diffId === undefined)
        throw new ModelcarsError('bug', 'layer: its diff_id is asked for before it was read');
      return diffId;
    },
  };
  if (options.compression === 'none') {
    return { ...common, size: plan.size, open: (offset = 0, signal) => openTar(offset, signal) };
  }
  const format = options.compression;
  return { ...common, open: (offset = 0, signal) => skip(compress(openTar(0, signal), format), offset) };
}

/** A run of bytes of the tar: known bytes, or a file's. */
interface Segment {
  start: number;
  size: number;
  bytes?: Uint8Array;
  file?: ImageFile;
}

function segmentsOf(plan: LayerPlan, mtime: number): Segment[] {
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

/**
 * Reads the tar, from the start or, after a broken read, from any offset already passed, and hashes every byte of the tar
 * and of each file exactly once, whatever is read again.
 */
class TarReader {
  readonly #segments: readonly Segment[];
  readonly #openFile: OpenFile;
  readonly #hash = createHash('sha256');
  /** Bytes of the tar hashed so far. */
  #hashed = 0;
  #digest: Digest | undefined;
  readonly #files = new Map<Segment, { hash: Hash; hashed: number }>();

  constructor(segments: readonly Segment[], openFile: OpenFile) {
    this.#segments = segments;
    this.#openFile = openFile;
  }

  digest(): Digest {
    this.#digest ??= `sha256:${this.#hash.digest('hex')}`;
    return this.#digest;
  }

  async *read(offset: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    // A reader that jumps ahead of what was hashed would leave bytes unproven: read those first.
    const from = Math.min(offset, this.#hashed);
    for (const segment of this.#segments) {
      if (segment.start + segment.size <= from) continue;
      let at = Math.max(from, segment.start);
      for await (const chunk of this.#readSegment(segment, at - segment.start, signal)) {
        signal?.throwIfAborted();
        const fresh = at + chunk.length - this.#hashed;
        if (fresh > 0) {
          this.#hash.update(chunk.subarray(chunk.length - fresh));
          this.#hashed += fresh;
        }
        const skipped = Math.max(0, offset - at);
        at += chunk.length;
        if (skipped < chunk.length) yield skipped === 0 ? chunk : chunk.subarray(skipped);
      }
    }
  }

  async *#readSegment(segment: Segment, from: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (segment.bytes !== undefined) yield segment.bytes.subarray(from);
    if (segment.file === undefined) return;
    const { file } = segment;
    let state = this.#files.get(segment);
    if (state === undefined) {
      state = { hash: createHash('sha256'), hashed: 0 };
      this.#files.set(segment, state);
    }
    let at = from;
    for await (const chunk of this.#openFile(file, from, signal)) {
      if (chunk.length === 0) continue;
      if (at + chunk.length > file.size)
        throw new WrongFile(file, `has more than the ${file.size} bytes locked`);
      const fresh = at + chunk.length - state.hashed;
      if (fresh > 0) {
        state.hash.update(chunk.subarray(chunk.length - fresh));
        state.hashed += fresh;
        if (state.hashed === file.size) {
          const actual = state.hash.digest('hex');
          if (actual !== file.sha256)
            throw new WrongFile(file, `has sha256 ${actual}, locked is ${file.sha256}`);
        }
      }
      at += chunk.length;
      yield chunk;
    }
    if (at < file.size) throw new WrongFile(file, `ended after ${at} of ${file.size} bytes`);
  }
}

async function* skip(stream: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of stream) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
