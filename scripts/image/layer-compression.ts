import { mediaTypes } from './types.ts';

/** The compression that a layer's media type states (image-spec media-types.md, or Docker's); undefined for a plain tar. */
export function compressionOf(mediaType: string): 'gzip' | 'zstd' | undefined {
  if (mediaType === mediaTypes.layerGzip || mediaType === mediaTypes.dockerLayerGzip) return 'gzip';
  return mediaType === mediaTypes.layerZstd ? 'zstd' : undefined;
}
