import { createHash } from 'node:crypto';
import { cancelled, ModelcarsError } from '../../errors.ts';
import { drop, headerOf } from '../../http/body.ts';
import { networkFailure } from '../../http/failure.ts';
import { Pace } from '../../http/minimum-pace.ts';
import type { HttpResponse } from '../../http/transport.ts';
import type { Descriptor } from '../../image/types.ts';
import type { Access } from '../auth/auth.ts';
import { registryAdvice } from '../failure.ts';
import type { RegistryHttp } from '../registry-http.ts';

export interface BlobDownloadOptions {
  host: RegistryHttp;
  access: Access;
  what: string;
  descriptor: Descriptor;
  offset: number;
  /** It is a small document (an image's config), which has to come at a lowest rate. */
  small?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * A blob's bytes from an offset. A broken connection is taken up where it broke. Fails with an `integrity` error,
 * before the last chunk, when there are more or fewer bytes than the descriptor says or, read from 0, when the digest
 * is another.
 */
export async function* downloadBlob(options: BlobDownloadOptions): AsyncGenerator<Uint8Array> {
  const { host, what, descriptor, offset, small = false } = options;
  const signal = host.signal(options.signal);
  const hash = offset === 0 ? createHash('sha256') : undefined;
  let position = offset;
  let held: Uint8Array | undefined;
  const retries = host.retries(options.signal);
  while (position < descriptor.size) {
    const answer = await request(options, position, signal);
    const pace = small ? new Pace() : undefined;
    let skip = answer.statusCode === 200 ? position : 0;
    try {
      for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
        pace?.count(chunk.length);
        const rest = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - rest.length;
        if (rest.length === 0) continue;
        if (position + rest.length > descriptor.size)
          throw sizeError(what, descriptor, position + rest.length);
        if (held) yield held;
        held = rest;
        position += rest.length;
        hash?.update(rest);
        // One byte per connection would be progress without end.
        if (!small) retries.progress();
      }
      if (position < descriptor.size)
        throw new Error(`the answer ended ${descriptor.size - position} bytes early`);
    } catch (error) {
      if (error instanceof ModelcarsError) throw error;
      if (signal?.aborted) throw cancelled(error);
      if (position === descriptor.size) break;
      await retries.wait(networkFailure(what, host.registry, error, registryAdvice));
    } finally {
      drop(answer);
    }
  }
  const digest = hash && `sha256:${hash.digest('hex')}`;
  if (digest !== undefined && digest !== descriptor.digest) {
    throw new ModelcarsError(
      'integrity',
      `${what}: its bytes have digest ${digest}, not ${descriptor.digest}`,
    );
  }
  if (held) yield held;
}

/** A GET of the blob from `position`; a 200 has all of it, whatever was asked for. */
async function request(
  options: BlobDownloadOptions,
  position: number,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  const { host, access, what, descriptor } = options;
  const answer = await host.send({
    what,
    method: 'GET',
    target: `/v2/${access.repository}/blobs/${descriptor.digest}`,
    access,
    expect: position > 0 ? [200, 206] : [200],
    headers: { 'accept-encoding': 'identity', ...(position > 0 ? { range: `bytes=${position}-` } : {}) },
    signal,
  });
  if (answer.statusCode === 200) return answer;
  const start = /^bytes (\d+)-/.exec(headerOf(answer, 'content-range') ?? '')?.[1];
  if (Number(start) === position) return answer;
  drop(answer);
  throw new ModelcarsError('registry', `${what}: ${host.registry} answered another range than asked for`);
}

function sizeError(what: string, descriptor: Descriptor, bytes: number): ModelcarsError {
  return new ModelcarsError('integrity', `${what}: it has at least ${bytes} bytes, not ${descriptor.size}`);
}
