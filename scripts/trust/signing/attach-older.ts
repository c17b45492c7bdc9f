import { setTimeout as wait } from 'node:timers/promises';
import { ModelcarsError } from '../../errors.ts';
import { documentOfBytes } from '../../image/manifest.ts';
import { type Descriptor, type Digest, mediaTypes } from '../../image/types.ts';
import type { Repository } from '../../registry/repository.ts';
import { type OlderSignature, olderManifest, payloadType, readOlder, signatureTag } from '../older-layout.ts';

const mostRounds = 8;

/**
 * Adds signatures to the tag of an image in the older layout, and keeps those of others. The tag is read, extended and
 * written back: no registry has a compare-and-swap, so the tag is read again until all are there.
 */
export async function attachOlder(
  repository: Repository,
  image: Digest,
  signatures: readonly OlderSignature[],
  signal?: AbortSignal,
): Promise<void> {
  const wanted = new Map<string, Descriptor>();
  for (const { payload, annotations } of signatures) {
    const layer = { ...(await writeBlob(repository, payloadType, payload, signal)), annotations };
    wanted.set(keyOf(layer), layer);
  }
  for (let round = 0; round < mostRounds; round++) {
    const { layers } = await readOlder(repository, image);
    const present = new Set(layers.map(keyOf));
    const missing = [...wanted].filter(([key]) => !present.has(key));
    for (const layer of layers) wanted.set(keyOf(layer), layer);
    if (missing.length === 0) return;
    // Waits for writers that read the tag before our write, more each time.
    if (round > 0) await wait(50 * 2 ** round * Math.random());
    await writeTag(repository, image, [...wanted.values()], signal);
  }
  const tag = `${repository.name}:${signatureTag(image)}`;
  throw new ModelcarsError('registry', `sign ${tag}: the tag keeps changing`, {
    next: 'run the command again when no other job signs the same image',
  });
}

/** A signature is its payload and its annotations: all signatures of one image share the payload's digest. */
function keyOf({ digest, annotations = {} }: Descriptor): string {
  return JSON.stringify([digest, Object.entries(annotations).sort()]);
}

async function writeTag(
  repository: Repository,
  image: Digest,
  layers: readonly Descriptor[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const documents = olderManifest(layers);
  const config = await writeBlob(repository, mediaTypes.config, documents.config, signal);
  const manifest = documents.manifest(config);
  const written = await writeBlob(repository, mediaTypes.manifest, manifest, signal);
  await repository.tag(signatureTag(image), written);
}

async function writeBlob(
  repository: Repository,
  mediaType: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  const options = signal === undefined ? {} : { signal };
  return await repository.write(documentOfBytes(mediaType, bytes), options);
}
