import { ModelcarsError, stopIfAborted } from '../errors.ts';
import { RequestFailure } from './failure.ts';
import type { Pace } from './minimum-pace.ts';
import type { Retries } from './retry.ts';

/** The response to one GET, from some byte on. */
export interface PartialBody {
  /** The host that responded, after redirects, for messages. */
  host: string;
  /** Offset of the body's first byte; 0 from a server without ranges, whatever was asked for. */
  start: number;
  /** Bytes of the whole, if the server reports them. */
  total?: number | undefined;
  /** A strong entity tag (RFC 9110 section 8.8.1). */
  etag?: string | undefined;
  body: AsyncIterable<Uint8Array>;
  /** Closes a body that is not read to its end. */
  drop(): void;
}

export interface DownloadOptions<B extends PartialBody = PartialBody> {
  /** How an error begins: "read https://host/model.onnx". */
  what: string;
  /** First byte wanted; 0 by default. */
  offset?: number;
  /** Bytes of the whole, when known: more or fewer are an error. */
  size?: number;
  /** One GET from `at` on; `etag` is that of the bytes before. Fails with a RequestFailure. */
  open(at: number, etag: string | undefined): Promise<B>;
  retries: Retries;
  signal?: AbortSignal | undefined;
  /** The failure of a connection that broke; `host` is undefined before the first response. */
  broken(error: unknown, host: string | undefined): RequestFailure;
  /** The error when there are `found` bytes instead of `size`. */
  otherSize(found: string, size: number): ModelcarsError;
  /** Called with every response before its bytes are read; may refuse it by throwing. */
  check?(response: B): void;
  /**
   * Called when the bytes so far are void and the file starts again, because it may have changed. Without it the caller checks a hash, and
   * the download resumes where it broke.
   */
  restart?(): void;
  /** A lowest rate for each response of a small document. New bytes then do not renew the tries: one byte per connection would never end. */
  pace?(): Pace;
}

/**
 * The bytes of a URL from `offset` to the end, across broken connections: each new request resumes at the byte where the last one
 * broke. From a server without ranges, bytes that were read before are skipped. Gives up when as many tries as `retries` allows bring no
 * new byte. Yields nothing beyond `size`.
 */
export async function* download<B extends PartialBody>(
  options: DownloadOptions<B>,
): AsyncGenerator<Uint8Array> {
  const { what, size, open, retries, signal, restart } = options;
  let at = options.offset ?? 0;
  let furthest = at;
  let etag: string | undefined;
  let host: string | undefined;
  for (;;) {
    let response: B | undefined;
    try {
      stopIfAborted(signal);
      response = await open(at, etag);
      host = response.host;
      const { total } = response;
      options.check?.(response);
      if (size !== undefined && total !== undefined && total !== size)
        throw options.otherSize(`${total}`, size);
      if (at > 0 && response.etag !== undefined && etag !== undefined && response.etag !== etag) {
        if (restart === undefined) throw changed(what);
        restart();
        at = 0;
      }
      etag = response.etag;
      for await (const chunk of after(response, at, options.pace?.())) {
        at += chunk.length;
        if (size !== undefined && at > size) throw options.otherSize(`at least ${at}`, size);
        if (at > furthest && options.pace === undefined) retries.progress();
        furthest = Math.max(furthest, at);
        yield chunk;
      }
      const end = size ?? total;
      if (end === undefined || at === end) return;
      throw endedEarly(what, host, at, end);
    } catch (error) {
      stopIfAborted(signal);
      // The connection broke after the last byte.
      if (size !== undefined && at === size && !(error instanceof ModelcarsError) && response !== undefined)
        return;
      await retries.wait(error instanceof ModelcarsError ? error : options.broken(error, host));
      if (restart !== undefined && etag === undefined && at > 0) {
        restart();
        at = 0;
      }
    } finally {
      response?.drop();
    }
  }
}

/** A body's bytes from `at` on. */
async function* after({ start, body }: PartialBody, at: number, pace?: Pace): AsyncGenerator<Uint8Array> {
  let skip = at - start;
  for await (const chunk of body) {
    pace?.count(chunk.length);
    if (skip < chunk.length) yield skip > 0 ? chunk.subarray(skip) : chunk;
    skip = Math.max(0, skip - chunk.length);
  }
}

function endedEarly(what: string, host: string, at: number, end: number): RequestFailure {
  return new RequestFailure(`${what}: ${host} ended after ${at} of ${end} bytes`, {
    code: 'network',
    retryable: true,
    next: 'run it again; if it ends there every time, the server has lost a part of the file',
  });
}

function changed(what: string): RequestFailure {
  return new RequestFailure(`${what}: it changed on the server while it was read`, {
    code: 'integrity',
    next: 'run `modelcars lock --upgrade` if the change is meant, then run it again',
  });
}
