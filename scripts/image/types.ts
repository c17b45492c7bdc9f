/**
 * The OCI types that all rooms share. Specifications: OCI image-spec 1.1 (descriptor.md, manifest.md, image-index.md,
 * config.md) and distribution-spec 1.1.
 */

/** `sha256:` and 64 lower-case hexadecimal digits; the only algorithm written. */
export type Digest = `sha256:${string}`;

/** image-spec image-index.md, `platform`. */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

/** image-spec descriptor.md: a blob's type, digest and size. */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  /** Bytes. */
  size: number;
  annotations?: Record<string, string>;
  platform?: Platform;
  artifactType?: string;
}

/** Bytes that can be read more than once and from any offset; nothing is held in memory between reads. */
export interface Content {
  mediaType: string;
  /** Bytes; undefined while unknown (a compressed layer never read before). */
  size?: number;
  /** Undefined until all of it was read once (a new layer). */
  digest?: Digest;
  /**
   * The bytes from `offset` (default 0) to the end. Fails with a ModelcarsError that names the file when the bytes are
   * not the promised ones, and does so before the last chunk, so that a sink never commits wrong bytes. The receiver
   * of a chunk may recycle it (memory/stream-buffers.ts).
   */
  open(offset?: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface WriteOptions {
  signal?: AbortSignal;
  /** Called with the number of bytes newly written; a negative number when a retry starts over. */
  onBytes?(count: number): void;
}

/** Destination of an image: an OCI image layout on disk or a repository of a registry. */
export interface Sink {
  /** Whether a blob or manifest with this digest (and size) already exists. */
  has(descriptor: Descriptor): Promise<boolean>;
  /**
   * Stores a blob, or a manifest or index if the media type is one. Returns its descriptor (media type, digest, size).
   * Atomic: a failed write leaves no blob. Rejects bytes that differ from `content.digest`.
   */
  write(content: Content, options?: WriteOptions): Promise<Descriptor>;
  /** Points a name at an existing manifest or index. */
  tag(name: string, descriptor: Descriptor): Promise<void>;
}

/** Origin of an image: the reading side of the same two rooms. */
export interface ImageStore {
  /** Resolves a tag, a digest or a layout's entry name to its descriptor; undefined when it does not exist. */
  resolve(name: string): Promise<Descriptor | undefined>;
  /** The raw bytes of a manifest, index or config, checked against the digest. At most 4 MiB. */
  read(descriptor: Descriptor): Promise<Uint8Array>;
  /** A blob's bytes from `offset`; checked against the digest when read from 0. */
  open(descriptor: Descriptor, offset?: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

/** image-spec media types, and Docker's, which some bases use. */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  layerGzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  layerZstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayerGzip: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

/** Whether a media type is stored as a manifest (addressable by tag) rather than as a blob. */
export function isManifest(mediaType: string): boolean {
  return (
    mediaType === mediaTypes.index ||
    mediaType === mediaTypes.manifest ||
    mediaType === mediaTypes.dockerIndex ||
    mediaType === mediaTypes.dockerManifest
  );
}
