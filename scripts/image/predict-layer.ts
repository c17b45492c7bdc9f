import { createHash } from 'node:crypto';
import { layerKey } from './layer.ts';
import { segmentsOf } from './layer-stream.ts';
import { ownLayerFrom, tarSize } from './plan.ts';
import type { Digest } from './types.ts';

/** The expected result of building an uncompressed layer. */
export interface PredictedLayer {
  key: string;
  digest: Digest;
  /** Bytes. */
  size: number;
  diffId: Digest;
}

/** Takes a file's bytes from first to last, then returns the layer that contains only it. */
export interface LayerPredictor {
  update(chunk: Uint8Array): void;
  /** `sha256` of the file, 64 hexadecimal digits. */
  end(sha256: string): PredictedLayer;
}

/**
 * Computes the digest of the uncompressed layer that a large file will have to itself from bytes that are read anyway
 * (for the lock's SHA-256), so that a push knows it in advance. Undefined for a file that will share a layer. `path`
 * below /models, `size` in bytes, `mtime` in seconds.
 */
export function layerPredictor(path: string, size: number, mtime: number): LayerPredictor | undefined {
  if (size < ownLayerFrom) return undefined;
  const files = [{ path, size, sha256: '' }];
  const segments = segmentsOf({ files, size: tarSize(files) }, mtime);
  const at = segments.findIndex((segment) => segment.file !== undefined);
  const hash = createHash('sha256');
  const pass = (known: typeof segments) => {
    for (const { bytes } of known) if (bytes !== undefined) hash.update(bytes);
  };
  pass(segments.slice(0, at));
  return {
    update: (chunk) => void hash.update(chunk),
    end(sha256) {
      pass(segments.slice(at + 1));
      const digest: Digest = `sha256:${hash.digest('hex')}`;
      const key = layerKey({ files: [{ path, size, sha256 }] }, { mtime, compression: 'none' });
      return { key, digest, size: tarSize(files), diffId: digest };
    },
  };
}
