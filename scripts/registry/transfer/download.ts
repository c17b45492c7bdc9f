import { createHash } from 'node:crypto';
import { ModelcarsError } from '../../errors.ts';
import { drop } from '../../http/body.ts';
import { download, type PartialBody } from '../../http/download.ts';
import { networkFailure } from '../../http/failure.ts';
import { Pace } from '../../http/minimum-pace.ts';
import { registryAdvice } from '../failure.ts';
import { blobRanges, isWorthRanges, OneConnection } from './blob-ranges.ts';
import { type BlobRequest, getBlob, otherRange, rangeOf } from './blob-request.ts';

/**
 * A blob's bytes from an offset: a large one in ranges over several connections, where one is slow. Resumes a broken
 * connection where it broke. Fails with an `integrity` error, before the last chunk, when the size differs from the
 * descriptor or, read from 0, when the digest does.
 */
export async function* downloadBlob(options: BlobRequest): AsyncGenerator<Uint8Array> {
  const { host, what, descriptor, offset, small = false } = options;
  const signal = host.signal(options.signal);
  const hash = offset === 0 ? createHash('sha256') : undefined;
  let held: Uint8Array | undefined;
  const large = !small && isWorthRanges(descriptor.size - offset);
  const chunks = large ? severalConnections(options, signal) : oneConnection(options, offset, signal);
  if (offset < descriptor.size) {
    for await (const chunk of chunks) {
      if (held) yield held;
      held = chunk;
      hash?.update(chunk);
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

/** A blob's bytes by several connections; by one from where that turns out to be better. */
async function* severalConnections(
  options: BlobRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let at = options.offset;
  try {
    for await (const chunk of blobRanges(options, signal)) {
      at += chunk.length;
      yield chunk;
    }
  } catch (error) {
    if (!(error instanceof OneConnection)) throw error;
    yield* oneConnection(options, at, signal);
  }
}

function oneConnection(
  options: BlobRequest,
  offset: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { host, what, descriptor, small = false } = options;
  return download({
    what,
    offset,
    size: descriptor.size,
    signal,
    retries: host.retries(options.signal),
    open: (at) => request(options, at, signal),
    broken: (error) => networkFailure(what, host.registry, error, registryAdvice),
    otherSize: (found, size) =>
      new ModelcarsError('integrity', `${what}: it has ${found} bytes, not ${size}`),
    ...(small && { pace: () => new Pace() }),
  });
}

/** A GET of the blob from `position`; a 200 has the whole blob, whatever range was requested. */
async function request(
  options: BlobRequest,
  position: number,
  signal: AbortSignal | undefined,
): Promise<PartialBody> {
  const answer = await getBlob(options, { range: position > 0 ? `${position}-` : undefined, signal });
  const start = answer.statusCode === 200 ? 0 : position;
  if (answer.statusCode === 200 || rangeOf(answer)?.start === position)
    return { host: options.host.registry, start, body: answer.body, drop: () => drop(answer) };
  drop(answer);
  throw otherRange(options);
}
