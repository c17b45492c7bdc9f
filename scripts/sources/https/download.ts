import { ModelcarsError, stopIfAborted } from '../../errors.ts';
import { networkFailure, RequestFailure } from '../../http/failure.ts';
import { Retries, type RetryOptions } from '../../http/retry.ts';
import type { Transport } from '../../http/transport.ts';
import { httpsAdvice } from './failure.ts';
import { get, type RangeResponse } from './get.ts';

export interface Download {
  /** How an error begins: "read https://host/model.onnx". */
  what: string;
  url: URL;
  /** First byte wanted. */
  offset: number;
  /** Bytes of the whole file, when they are known: another number is an error. */
  size?: number;
  retry: RetryOptions;
  /** Called before each new try with one line for the log. */
  onRetry?(message: string): void;
  signal?: AbortSignal | undefined;
  /** Sees every answer before its bytes are read; may refuse it by throwing. */
  check?(got: RangeResponse): void;
  /**
   * Called when what was read so far counts no more and the file starts anew, because it may have changed meanwhile. Without
   * it, whoever reads checks a hash, and bytes go on where they broke off.
   */
  restart?(): void;
}

/**
 * The bytes of a URL from `offset` to the end, through broken connections: each is taken up where it broke, from a server
 * without ranges by reading over what was there. Gives up when as many tries as `retry` says bring no new byte.
 */
export async function* download(transport: Transport, options: Download): AsyncGenerator<Uint8Array> {
  const { what, url, size, signal, retry, restart } = options;
  let at = options.offset;
  let furthest = at;
  let etag: string | undefined;
  let host: string | undefined;
  const answered = () => host !== undefined;
  const retries = new Retries({ retry, onRetry: options.onRetry, signal, answered });
  for (;;) {
    let got: RangeResponse | undefined;
    try {
      stopIfAborted(signal);
      got = await get(transport, { what, url, offset: at, etag, signal });
      host = got.host;
      options.check?.(got);
      if (size !== undefined && got.total !== undefined && got.total !== size)
        throw otherSize(what, got.total, size);
      if (at > 0 && got.etag !== undefined && etag !== undefined && got.etag !== etag) {
        if (restart === undefined) throw changed(what);
        restart();
        at = 0;
      }
      etag = got.etag;
      for await (const chunk of from(got, at)) {
        at += chunk.length;
        if (size !== undefined && at > size) throw otherSize(what, `more than ${size}`, size);
        if (at > furthest) {
          furthest = at;
          retries.progress();
        }
        yield chunk;
      }
      const end = size ?? got.total;
      if (end === undefined || at === end) return;
      throw new RequestFailure(`${what}: ${host} ended after ${at} of ${end} bytes`, {
        code: 'network',
        retryable: true,
        next: 'run it again; if it ends there every time, the server has lost a part of the file',
      });
    } catch (error) {
      stopIfAborted(signal);
      await retries.wait(
        error instanceof ModelcarsError ? error : networkFailure(what, host ?? url.host, error, httpsAdvice),
      );
      if (restart !== undefined && etag === undefined && at > 0) {
        restart();
        at = 0;
      }
    } finally {
      got?.drop();
    }
  }
}

/** A body's bytes from `at` on: what a server without ranges sends again is read over. */
async function* from(got: RangeResponse, at: number): AsyncGenerator<Uint8Array> {
  let over = at - got.start;
  for await (const chunk of got.body) {
    if (over >= chunk.length) over -= chunk.length;
    else {
      yield over > 0 ? chunk.subarray(over) : chunk;
      over = 0;
    }
  }
}

function otherSize(what: string, found: number | string, size: number): RequestFailure {
  return new RequestFailure(`${what}: it has ${found} bytes, the lock has ${size}`, {
    code: 'integrity',
    next: 'run `modelcars lock` if the change is meant',
  });
}

function changed(what: string): RequestFailure {
  return new RequestFailure(`${what}: it changed on the server while it was read`, {
    code: 'integrity',
    next: 'run `modelcars lock` if the change is meant, then run it again',
  });
}
