import { ModelcarsError } from '../../errors.ts';
import { streamHash } from '../../hashing/stream-hash.ts';
import { drop, headerOf } from '../../http/body.ts';
import { download, type PartialBody } from '../../http/download.ts';
import { networkFailure } from '../../http/failure.ts';
import { Pace } from '../../http/minimum-pace.ts';
import { registryAdvice } from '../failure.ts';
import { blobRanges, isWorthRanges, OneResponse } from './blob-ranges.ts';
import { type BlobRequest, getBlob, otherRange, readRange } from './blob-request.ts';

/**
 * A blob's bytes from an offset, whose receiver may recycle the chunks: a large one in ranges over several
 * connections. Resumes a broken connection where it broke. Fails with an `integrity` error, before the last chunk,
 * when the size differs from the descriptor or, read from 0, when the digest does.
 */
export async function* downloadBlob(options: BlobRequest): AsyncGenerator<Uint8Array> {
  const { host, what, descriptor, offset, small = false } = options;
  const signal = host.signal(options.signal);
  const hash = offset === 0 ? streamHash(descriptor.size) : undefined;
  let held: Uint8Array | undefined;
  const large = !small && isWorthRanges(descriptor.size - offset);
  const chunks = large ? severalRanges(options, signal) : oneResponse(options, offset, signal);
  if (offset < descriptor.size) {
    for await (const chunk of chunks) {
      if (held) yield held;
      held = chunk;
      const behind = hash?.update(chunk);
      if (behind) await behind;
    }
  }
  const digest = hash && `sha256:${await hash.digest()}`;
  if (digest !== undefined && digest !== descriptor.digest) {
    throw new ModelcarsError(
      'integrity',
      `${what}: its bytes have digest ${digest}, not ${descriptor.digest}`,
    );
  }
  if (held) yield held;
}

/** A blob's bytes in ranges; from where the registry serves none, by one response. */
async function* severalRanges(
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
    if (!(error instanceof OneResponse)) throw error;
    yield* oneResponse(options, at, signal);
  }
}

function oneResponse(
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
  const { answer } = await getBlob(options, { range: position > 0 ? `${position}-` : undefined, signal });
  const start = answer.statusCode === 200 ? 0 : position;
  if (answer.statusCode === 200 || readRange(headerOf(answer, 'content-range'))?.start === position)
    return { host: options.host.registry, start, body: answer.body, drop: () => drop(answer) };
  drop(answer);
  throw otherRange(options);
}
