/** Puts images and artifacts into a fake registry, as other tools push them. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { type FakeRegistry, sha256 } from './fake-registry.ts';

/** A member of a tar: a file's content, or a link (`->` symbolic, `=` hard) or a folder. */
export type Entry = [name: string, content: string | Uint8Array | { link: string } | { hard: string } | null];

/** A tar of these members, in this order. */
export async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of entries) {
    if (content === null) tar.entry({ name, type: 'directory' });
    else if (typeof content === 'string') tar.entry({ name }, content);
    else if (content instanceof Uint8Array) tar.entry({ name }, Buffer.from(content));
    else if ('link' in content) tar.entry({ name, type: 'symlink', linkname: content.link });
    else tar.entry({ name, type: 'link', linkname: content.hard });
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export interface TestLayer {
  mediaType: string;
  bytes: Buffer;
  annotations?: Record<string, string>;
}

/** A layer of an image, by the end of its media type. */
export async function imageLayer(
  entries: readonly Entry[],
  format: 'tar' | 'tar+gzip' | 'tar+zstd' = 'tar',
): Promise<TestLayer> {
  const tar = await tarOf(entries);
  const bytes = format === 'tar' ? tar : format === 'tar+gzip' ? gzipSync(tar) : zstdCompressSync(tar);
  return { mediaType: `application/vnd.oci.image.layer.v1.${format}`, bytes };
}

export const imageConfig = 'application/vnd.oci.image.config.v1+json';

/** Stores a manifest with its blobs under a tag, and returns its digest. */
export function putManifest(
  fake: FakeRegistry,
  repository: string,
  tag: string,
  layers: readonly TestLayer[],
  {
    config = '{}',
    configType = imageConfig,
    artifactType,
  }: { config?: string; configType?: string; artifactType?: string } = {},
): string {
  const store = (bytes: Buffer) => {
    fake.blobs.set(`${repository} ${sha256(bytes)}`, bytes);
    return { digest: sha256(bytes), size: bytes.length };
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    ...(artifactType && { artifactType }),
    config: { mediaType: configType, ...store(Buffer.from(config)) },
    layers: layers.map(({ mediaType, bytes, annotations }) => ({
      mediaType,
      ...store(bytes),
      ...(annotations && { annotations }),
    })),
  };
  return putDocument(fake, repository, tag, manifest.mediaType, manifest);
}

/** Stores any manifest or index under a tag, and returns its digest. */
export function putDocument(
  fake: FakeRegistry,
  repository: string,
  tag: string,
  type: string,
  document: unknown,
): string {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = sha256(bytes);
  for (const name of [tag, digest]) fake.manifests.set(`${repository} ${name}`, { type, bytes });
  return digest;
}
