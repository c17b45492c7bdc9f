import { ModelcarsError } from '../errors.ts';
import { parseIndex, parseManifest } from '../image/schema.ts';
import {
  type Content,
  type Descriptor,
  type Digest,
  type ImageStore,
  isManifest,
  mediaTypes,
} from '../image/types.ts';

/** image-spec and every registry limit manifests to 4 MiB; configs are smaller. */
const largestDocument = 4 * 1024 ** 2;

/**
 * The bytes of a config, manifest or index, checked against its digest; rejects anything larger than such a document.
 */
export async function readSmall(
  store: Pick<ImageStore, 'open'>,
  descriptor: Descriptor,
): Promise<Uint8Array> {
  if (descriptor.size > largestDocument) {
    throw new ModelcarsError(
      'integrity',
      `read ${descriptor.digest}: ${descriptor.size} bytes are too many for a manifest or config`,
    );
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of store.open(descriptor)) {
    size += chunk.length;
    if (size > descriptor.size) break;
    chunks.push(Buffer.from(chunk));
  }
  if (size !== descriptor.size) {
    throw new ModelcarsError(
      'integrity',
      `read ${descriptor.digest}: its size is not the ${descriptor.size} bytes its descriptor states`,
    );
  }
  return Buffer.concat(chunks);
}

/** Descriptors of everything that the given manifests and indexes refer to, including themselves, each once. */
export async function reachable(
  store: Pick<ImageStore, 'open'>,
  roots: readonly Descriptor[],
): Promise<Descriptor[]> {
  const found = new Map<Digest, Descriptor>();
  const visit = async (descriptor: Descriptor): Promise<void> => {
    if (found.has(descriptor.digest)) return;
    found.set(descriptor.digest, descriptor);
    if (!isManifest(descriptor.mediaType)) return;
    const bytes = await readSmall(store, descriptor);
    if (descriptor.mediaType === mediaTypes.index || descriptor.mediaType === mediaTypes.dockerIndex) {
      for (const child of parseIndex(bytes, descriptor.digest).manifests) await visit(child);
      return;
    }
    const manifest = parseManifest(bytes, descriptor.digest);
    for (const child of [manifest.config, ...manifest.layers]) found.set(child.digest, child);
  };
  for (const root of roots) await visit(root);
  return [...found.values()];
}

/** Fails with code `integrity` when the bytes read differ from the digest or size that a content declares. */
export function checkPromised(content: Content, digest: Digest, size: number): void {
  if (content.digest !== undefined && content.digest !== digest) {
    throw new ModelcarsError('integrity', `write ${content.digest}: the bytes read have digest ${digest}`, {
      next: 'try again; if it fails again, the source is damaged',
    });
  }
  if (content.size !== undefined && content.size !== size) {
    throw new ModelcarsError('integrity', `write blob: ${size} bytes were read, ${content.size} expected`);
  }
}
