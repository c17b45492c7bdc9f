import { createHash } from 'node:crypto';
import { ModelcarsError } from '../../errors.ts';
import { discard, headerOf } from '../../http/body.ts';
import type { HttpResponse } from '../../http/transport.ts';
import { type Descriptor, type Digest, mediaTypes } from '../../image/types.ts';
import type { Access } from '../auth/auth.ts';
import type { Call } from '../call.ts';
import { isDigest } from '../reference.ts';
import type { RegistryHttp } from '../registry-http.ts';

/** distribution-spec: registries "should" accept manifests of 4 MiB; more is never read into memory. */
export const manifestLimit = 4 * 1024 * 1024;

const accept = [
  mediaTypes.index,
  mediaTypes.manifest,
  mediaTypes.dockerIndex,
  mediaTypes.dockerManifest,
].join(', ');

/** A manifest's location, and the access that it needs. */
export interface ManifestAddress {
  host: RegistryHttp;
  access: Access;
  /** A tag or digest. */
  name: string;
  what: string;
  signal?: AbortSignal | undefined;
}

/** A manifest's descriptor: by HEAD, or by GET where the headers are incomplete; undefined when it does not exist. */
export async function resolveManifest(address: ManifestAddress): Promise<Descriptor | undefined> {
  const answer = await address.host.send(callOf(address, 'HEAD', [200, 404, 405]));
  await discard(answer);
  if (answer.statusCode === 404) return undefined;
  const digest = headerOf(answer, 'docker-content-digest') ?? '';
  const size = Number(headerOf(answer, 'content-length'));
  const mediaType = mediaTypeOf(answer);
  if (answer.statusCode === 200 && isDigest(digest) && size > 0 && mediaType !== undefined) {
    if (isDigest(address.name) && digest !== address.name)
      throw wrongDigest(address.what, digest, address.name);
    return { mediaType, digest, size };
  }
  return (await getManifest(address))?.descriptor;
}

/** A manifest with its bytes, at most 4 MiB, checked against the requested digest; undefined when it does not exist. */
export async function getManifest(
  address: ManifestAddress,
): Promise<{ descriptor: Descriptor; bytes: Uint8Array } | undefined> {
  const { answer, bytes } = await address.host.read(callOf(address, 'GET', [200, 404]), manifestLimit);
  if (answer.statusCode === 404) return undefined;
  if (bytes === undefined) throw tooLarge(address.what);
  const digest = digestOf(bytes);
  if (isDigest(address.name) && digest !== address.name)
    throw wrongDigest(address.what, digest, address.name);
  const mediaType = mediaTypeOf(answer) ?? mediaTypeIn(bytes);
  if (mediaType === undefined) {
    throw new ModelcarsError('registry', `${address.what}: ${address.host.registry} does not say what it is`);
  }
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

/** Stores a manifest under a tag or its digest; `beforeRetry` as in a Call. */
export async function putManifest(
  address: ManifestAddress,
  descriptor: Descriptor,
  bytes: Uint8Array,
  beforeRetry?: () => Promise<void>,
): Promise<void> {
  const answer = await address.host.send({
    what: address.what,
    method: 'PUT',
    target: path(address),
    access: address.access,
    expect: [200, 201, 202, 204],
    headers: { 'content-type': descriptor.mediaType },
    body: bytes,
    signal: address.signal,
    headersTimeout: 5 * 60_000,
    beforeRetry,
  });
  await discard(answer);
  const stored = headerOf(answer, 'docker-content-digest');
  if (stored !== undefined && stored !== descriptor.digest) {
    throw wrongDigest(address.what, stored.slice(0, 100), descriptor.digest);
  }
}

/** The error for a manifest or config above the limit. */
export function tooLarge(what: string): ModelcarsError {
  return new ModelcarsError(
    'limit',
    `${what}: it is larger than 4 MiB, the limit of the distribution specification`,
  );
}

/** The digest of bytes in memory. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function callOf(address: ManifestAddress, method: 'GET' | 'HEAD', expect: number[]): Call {
  const { access, what, signal } = address;
  return { what, method, target: path(address), access, expect, headers: { accept }, signal };
}

function path({ access, name }: ManifestAddress): string {
  return `/v2/${access.repository}/manifests/${name}`;
}

function mediaTypeOf(answer: HttpResponse): string | undefined {
  const type = headerOf(answer, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  return type?.startsWith('application/vnd.') ? type : undefined;
}

/** The media type in the manifest itself: some registries return `application/json` in the header. */
function mediaTypeIn(bytes: Uint8Array): string | undefined {
  try {
    const type = JSON.parse(Buffer.from(bytes).toString('utf8'))?.mediaType;
    return typeof type === 'string' ? type : undefined;
  } catch {
    return undefined;
  }
}

function wrongDigest(what: string, found: string, wanted: string): ModelcarsError {
  return new ModelcarsError('integrity', `${what}: the registry has ${found}, not ${wanted}`);
}

/** The bytes of a manifest or another small document. Fails with code `limit` above 4 MiB. */
export async function collectManifest(source: AsyncIterable<Uint8Array>, what: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    size += chunk.length;
    if (size > manifestLimit) throw tooLarge(what);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks, size);
}
