import { hash } from 'node:crypto';
import { ModelcarsError } from '../errors.ts';
import { compress } from './compress.ts';
import { LayerStream, type OpenFile, type Segment, segmentsOf } from './layer-stream.ts';
import type { LayerPlan } from './plan.ts';
import { type Content, type Digest, mediaTypes } from './types.ts';

export interface LayerOptions {
  /** Seconds since 1970: the mtime of every member. */
  mtime: number;
  compression: 'none' | 'gzip' | 'zstd';
}

/** The result of an earlier build of a layer. */
export interface MadeLayer {
  digest: Digest;
  /** Bytes as stored. */
  size: number;
}

/** A layer that is produced while it is read. */
export interface Layer extends Content {
  plan: LayerPlan;
  /** 64 hexadecimal digits; equal for two layers exactly when their bytes are equal. */
  key: string;
  /**
   * Digest of the uncompressed tar, for the config's `rootfs.diff_ids`, given the digest `stored` of the stored layer:
   * identical for an uncompressed layer. Throws for a compressed one that was not read yet.
   */
  diffId(stored: Digest): Digest;
  /**
   * The layer with its digest and size known in advance. If uncompressed, its files are not hashed one by one: the
   * caller checks the digest, in half the time, but cannot name a corrupt file.
   */
  promised(made: MadeLayer): Content;
}

/**
 * Layer format. Increase it when a change here produces different bytes from the same files, so that old records are
 * not used.
 */
const formatVersion = 1;

const layerMediaType = { none: mediaTypes.layer, gzip: mediaTypes.layerGzip, zstd: mediaTypes.layerZstd };

/** The key of a layer (see `Layer.key`). */
export function layerKey(plan: Pick<LayerPlan, 'root' | 'files'>, options: LayerOptions): string {
  const { root, files } = plan;
  const made = [formatVersion, options.mtime, options.compression, ...(root ? [root] : [])];
  const members = files.map(({ path, size, sha256, executable }) => [
    path,
    size,
    sha256,
    ...(executable ? ['x'] : []),
  ]);
  return hash('sha256', JSON.stringify(made) + JSON.stringify(members));
}

/**
 * A plan's layer as content: headers are computed, files are opened one after the other, and each file's SHA-256 is
 * checked before its last chunk is passed on. An uncompressed layer opens at any offset; a compressed one reads forward
 * to it.
 */
export function layerOf(plan: LayerPlan, openFile: OpenFile, options: LayerOptions): Layer {
  // Only a layer that is read needs its headers: `list` and a push that sends nothing read none of thousands.
  let computed: Segment[] | undefined;
  const segments = () => (computed ??= segmentsOf(plan, options.mtime));
  const common = { plan, key: layerKey(plan, options), mediaType: layerMediaType[options.compression] };
  if (options.compression === 'none') {
    const open = opener((files) => new LayerStream(segments(), openFile, { files, tar: false }));
    return {
      ...common,
      size: plan.size,
      open: open(true),
      diffId: (stored) => stored,
      promised: (made) => ({ ...common, ...made, open: open(false) }),
    };
  }
  const format = options.compression;
  let diffId: Digest | undefined;
  async function* openTar(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const reader = new LayerStream(segments(), openFile, { files: true, tar: true });
    yield* reader.read(0, signal);
    diffId = reader.digest;
  }
  const open = (offset = 0, signal?: AbortSignal) => skip(compress(openTar(signal), format), offset);
  return {
    ...common,
    open,
    diffId() {
      if (diffId !== undefined) return diffId;
      throw new ModelcarsError('bug', 'layer: diff_id requested before the layer was read');
    },
    promised: (made) => ({ ...common, ...made, open }),
  };
}

/** Content.open over layer streams: a new one from the start, the last one to resume after an interruption. */
function opener(make: (files: boolean) => LayerStream): (files: boolean) => Content['open'] {
  return (files) => {
    let reader: LayerStream | undefined;
    return (offset = 0, signal) => {
      if (offset === 0 || reader === undefined) reader = make(files);
      return reader.read(offset, signal);
    };
  };
}

async function* skip(stream: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of stream) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
