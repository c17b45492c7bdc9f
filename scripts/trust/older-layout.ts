/**
 * The older layout of cosign signatures (cosign specs/SIGNATURE_SPEC.md): a tag `sha256-<hex>.sig` whose manifest has a
 * layer per signature. podman, skopeo and CRI-O read only this one.
 */
import { z } from 'zod';
import { parseManifest } from '../image/schema.ts';
import { type Descriptor, type Digest, mediaTypes } from '../image/types.ts';
import type { Repository } from '../registry/repository.ts';

/** Media type of the signed payload. */
export const payloadType = 'application/vnd.dev.cosign.simplesigning.v1+json';
export const annotationKeys = {
  signature: 'dev.cosignproject.cosign/signature',
  certificate: 'dev.sigstore.cosign/certificate',
  chain: 'dev.sigstore.cosign/chain',
  bundle: 'dev.sigstore.cosign/bundle',
  timestamp: 'dev.sigstore.cosign/rfc3161timestamp',
} as const;

const mostPayload = 64 * 1024;

/** One signature: what is signed, and the layer's annotations. */
export interface OlderSignature {
  payload: Uint8Array;
  annotations: Record<string, string>;
}

/** The tag of an image's signatures. */
export function signatureTag(digest: Digest): string {
  return `${digest.replace(':', '-')}.sig`;
}

/** The payload for an image: its digest and its repository, without tag. */
export function simplePayload(repository: string, digest: Digest): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': repository },
        image: { 'docker-manifest-digest': digest },
        type: 'cosign container image signature',
      },
      optional: null,
    }),
  );
}

const payloadSchema = z.object({
  critical: z.object({
    image: z.object({ 'docker-manifest-digest': z.string() }),
    type: z.string(),
  }),
});

/** The digest that a payload is about; undefined when it is no payload of a signature. */
export function signedDigest(payload: Uint8Array): string | undefined {
  try {
    const { critical } = payloadSchema.parse(JSON.parse(Buffer.from(payload).toString('utf8')));
    // containers/image requires its own type, atomic's, from GPG signatures only.
    return critical.type === 'cosign container image signature' ||
      critical.type === 'https://sigstore.dev/cosign/sign/v1'
      ? critical.image['docker-manifest-digest']
      : undefined;
  } catch {
    return undefined;
  }
}

/** The signatures in the tag of an image; none when it does not exist. */
export async function readOlder(
  repository: Repository,
  digest: Digest,
): Promise<{ tag: Descriptor | undefined; signatures: OlderSignature[]; layers: Descriptor[] }> {
  const name = signatureTag(digest);
  const tag = await repository.resolve(name);
  if (tag === undefined) return { tag, signatures: [], layers: [] };
  const { layers } = parseManifest(await repository.read(tag), `${repository.name}:${name}`);
  const signatures: OlderSignature[] = [];
  for (const layer of layers) {
    if (layer.mediaType !== payloadType || layer.size > mostPayload) continue;
    signatures.push({ payload: await repository.read(layer), annotations: layer.annotations ?? {} });
  }
  return { tag, signatures, layers };
}

/** The manifest and config of a signature tag with these layers. */
export function olderManifest(layers: readonly Descriptor[]): {
  config: Uint8Array;
  manifest(config: Descriptor): Uint8Array;
} {
  const config = {
    architecture: '',
    os: '',
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created: '0001-01-01T00:00:00Z' })),
  };
  return {
    config: Buffer.from(JSON.stringify(config)),
    manifest: (descriptor) =>
      Buffer.from(
        JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: descriptor, layers }),
      ),
  };
}
