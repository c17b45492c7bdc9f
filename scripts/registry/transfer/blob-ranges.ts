import { ModelcarsError } from '../../errors.ts';
import { drop } from '../../http/body.ts';
import type { ChunkSink } from '../../http/bulk/connection.ts';
import { pour } from '../../http/client.ts';
import { networkFailure } from '../../http/failure.ts';
import { parallelRanges } from '../../http/ranges/read.ts';
import { readAhead } from '../../memory/shares.ts';
import { registryAdvice } from '../failure.ts';
import { type BlobRequest, getBlob, otherRange, rangeOf } from './blob-request.ts';

const mebibyte = 1024 ** 2;
/** Bytes of a range: a registry redirects every request to its storage, which costs two round trips. */
const rangeBytes = 8 * mebibyte;
/** Ranges at a time for one blob, of which several may be read at once. */
const connections = 4;

/** Bytes per second of a connection that is not worth another: no limit holds it, and each costs time to read it. */
const fast = 200e6;

/** Thrown where the rest of a blob should come by one connection: it is fast, or the registry serves no ranges. */
export class OneConnection extends Error {}

/** Whether so many bytes of a blob may arrive sooner in ranges; not without the memory to read one range ahead. */
export function isWorthRanges(bytes: number): boolean {
  return bytes >= 4 * rangeBytes && readAhead.size >= rangeBytes;
}

/**
 * A blob's bytes from `offset`, in order, as ranges (RFC 9110 section 14): the first by itself, to see how fast a
 * connection is, and since a reader of nothing but the start of a blob stops there; then several at once. Throws
 * OneConnection.
 */
export async function* blobRanges(
  options: BlobRequest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { descriptor, offset } = options;
  const first = Math.min(offset + rangeBytes, descriptor.size);
  let seconds = 0;
  const bytes = ranges(options, { offset, size: first }, signal, (took) => {
    seconds += took;
  });
  yield* bytes;
  if ((first - offset) / seconds > fast) throw new OneConnection();
  yield* ranges(options, { offset: first, size: descriptor.size }, signal);
}

/** Reads a part of a blob. `onRange` gets the seconds that a range took to arrive, from the head of its response. */
function ranges(
  options: BlobRequest,
  part: { offset: number; size: number },
  signal: AbortSignal | undefined,
  onRange?: (seconds: number) => void,
): AsyncGenerator<Uint8Array> {
  const { host, what } = options;
  return parallelRanges({
    what,
    ...part,
    chunk: rangeBytes,
    connections,
    // What a blob's readers make of it (tar members, inflated bytes) does not recycle.
    copies: false,
    retry: host.retry,
    onRetry: host.onRetry,
    signal,
    receive: async (start, end, take, stop) => {
      const seconds = await receive(options, { start, end }, take, stop);
      onRange?.(seconds);
    },
  });
}

/** Receives one range; returns the seconds from the head of its response. */
async function receive(
  options: BlobRequest,
  { start, end }: { start: number; end: number },
  take: ChunkSink,
  signal: AbortSignal,
): Promise<number> {
  const { host, what, descriptor } = options;
  // Tried once: parallelRanges tries again, from the byte that a range has reached.
  const answer = await getBlob(options, { range: `${start}-${end - 1}`, once: true, signal });
  try {
    if (answer.statusCode === 200) throw new OneConnection();
    const range = rangeOf(answer);
    if (range?.start !== start || range.end !== end) throw otherRange(options);
    const { total = descriptor.size } = range;
    if (total !== descriptor.size)
      throw new ModelcarsError('integrity', `${what}: it has ${total} bytes, not ${descriptor.size}`);
    const began = performance.now();
    await pour(answer.body, take);
    return (performance.now() - began) / 1000;
  } catch (error) {
    if (error instanceof ModelcarsError || error instanceof OneConnection) throw error;
    throw networkFailure(what, host.registry, error, registryAdvice);
  } finally {
    drop(answer);
  }
}
