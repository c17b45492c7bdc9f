import { ModelcarsError } from '../../errors.ts';
import type { Descriptor } from '../../image/types.ts';
import type { Access } from '../auth/auth.ts';
import type { Answered } from '../call.ts';
import type { RegistryHttp } from '../registry-http.ts';

/** A blob to read, and where. */
export interface BlobRequest {
  host: RegistryHttp;
  access: Access;
  what: string;
  descriptor: Descriptor;
  offset: number;
  /** A small document (an image's config), which must arrive at a minimum rate. */
  small?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * A GET of a blob, whole or a range of it as RFC 9110 section 14 writes it ("0-99", "100-"). A registry may answer a
 * range with status 200 and the whole blob. With `once` one try only.
 */
export async function getBlob(
  { host, access, what, descriptor }: BlobRequest,
  { range, once, signal }: { range: string | undefined; once?: boolean; signal: AbortSignal | undefined },
): Promise<Answered> {
  return await host.sendFrom({
    what,
    method: 'GET',
    target: `/v2/${access.repository}/blobs/${descriptor.digest}`,
    access,
    expect: range === undefined ? [200] : [200, 206],
    headers: headersFor(range),
    ...(once && { once }),
    signal,
  });
}

export function headersFor(range: string | undefined): Record<string, string> {
  return { 'accept-encoding': 'identity', ...(range !== undefined && { range: `bytes=${range}` }) };
}

/** The range in a Content-Range: its first byte, the byte after its last, and the size of the whole if it says so. */
export function readRange(
  contentRange: string | undefined,
): { start: number; end: number; total?: number } | undefined {
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(contentRange ?? '');
  if (range === null) return undefined;
  const total = range[3] === '*' ? undefined : Number(range[3]);
  return { start: Number(range[1]), end: Number(range[2]) + 1, ...(total !== undefined && { total }) };
}

export function otherRange({ host, what }: BlobRequest): ModelcarsError {
  return new ModelcarsError('registry', `${what}: ${host.registry} answered another range than asked for`);
}
