import { ModelcarsError } from '../../errors.ts';
import { drop, headerOf } from '../../http/body.ts';
import type { ChunkSink } from '../../http/bulk/connection.ts';
import type { HttpClient, ResponseInfo } from '../../http/client.ts';
import { RequestFailure } from '../../http/failure.ts';
import { parallelRanges, rangeSize } from '../../http/ranges/read.ts';
import type { RetryOptions } from '../../http/retry.ts';
import type { LockedFile } from '../../model/types.ts';
import { plain } from '../../text/format.ts';

/** A file to read, and its place on the hub. */
export interface HubFile {
  /** The start of error messages: "read hf://org/model: config.json". */
  what: string;
  url: URL;
  size: number;
}

export interface HubDownloadOptions {
  /** For the hub: sends the token, and follows redirects without it. */
  http: HttpClient;
  retry: RetryOptions;
  onRetry?: ((message: string) => void) | undefined;
}

/** Where the bytes of a large file are. */
interface Location {
  url: URL;
  /** The host that redirected here, if it is another one. */
  sender?: URL;
}

/** Thrown to start over with a single request for the whole file. */
class NoRanges extends Error {}

/** Thrown when a server without ranges has sent all the bytes needed. */
class Enough extends Error {}

/**
 * Reads files of a hub: a small one in one request, a large one in ranges from the host that the hub redirects to. The
 * signed URL is reused until it is rejected.
 */
export class Downloads {
  readonly #options: HubDownloadOptions;
  readonly #locations = new Map<string, Promise<Location>>();

  constructor(options: HubDownloadOptions) {
    this.#options = options;
  }

  /**
   * A file's bytes from `offset` up to `end`. Only their number is checked. Fails with code `source`, `auth`, `network`
   * or `integrity`.
   */
  async *read(
    file: HubFile,
    offset: number,
    signal?: AbortSignal,
    end = file.size,
  ): AsyncGenerator<Uint8Array> {
    const { retry, onRetry } = this.#options;
    let at = offset;
    for (let connections = 10; ; connections = 1) {
      const chunks = parallelRanges({
        what: file.what,
        size: Math.min(end, file.size),
        offset: at,
        signal,
        retry,
        onRetry,
        connections,
        chunk: connections === 1 ? file.size : rangeSize,
        receive: (start, stop, take, signal) =>
          this.#range(file, { start, end: stop, whole: connections === 1 }, take, signal),
      });
      try {
        for await (const chunk of chunks) {
          at += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        if (!(error instanceof NoRanges)) throw error;
      }
    }
  }

  /** Reads one range; with `whole`, tolerates a server that sends more than requested. */
  async #range(
    file: HubFile,
    { start, end, whole }: { start: number; end: number; whole: boolean },
    take: ChunkSink,
    signal: AbortSignal,
  ): Promise<void> {
    // Unwanted bytes before the first wanted one, and the bytes left up to the last.
    let before = 0;
    let left = Number.POSITIVE_INFINITY;
    const look = (seen: ResponseInfo) => {
      before = 0;
      left = Number.POSITIVE_INFINITY;
      if (seen.status === 206) return checkRange(file, seen, start, end);
      if (start > 0 && !whole) throw new NoRanges();
      const length = seen.header('content-length');
      if (length !== undefined && Number(length) !== file.size) throw otherSize(file, length);
      before = start;
      left = end - start;
    };
    try {
      const takeWanted = (chunk: Uint8Array) => {
        const wanted = chunk.subarray(Math.min(before, chunk.length)).subarray(0, left);
        before -= Math.min(before, chunk.length);
        left -= wanted.length;
        const wait = take(wanted);
        if (left === 0) throw new Enough();
        return wait;
      };
      // A server that keeps to the range sends no unwanted bytes.
      const room = () => (left === Number.POSITIVE_INFINITY ? take.room?.() : undefined);
      await this.#request(file, start, end, signal, look, Object.assign(takeWanted, { room }));
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
    }
  }

  async #request(
    file: HubFile,
    start: number,
    end: number,
    signal: AbortSignal,
    look: (seen: ResponseInfo) => void,
    take: ChunkSink,
  ): Promise<void> {
    const { http } = this.#options;
    const { what } = file;
    const all = start === 0 && end === file.size;
    const call = {
      what,
      expect: all ? [200] : [200, 206],
      ...(!all && { headers: { range: `bytes=${start}-${end - 1}` } }),
      signal,
    };
    if (file.size <= rangeSize) return await http.receive({ ...call, url: file.url }, look, take, 'small');
    for (let renewed = false; ; ) {
      const known = this.#locate(file, signal);
      let location: Location;
      try {
        location = await known;
      } catch (error) {
        // The caller that issued the shared request was cancelled; this one was not.
        const theirs = error instanceof ModelcarsError && error.code === 'cancelled' && !signal.aborted;
        if (!theirs) throw error;
        continue;
      }
      try {
        return await http.receive({ ...call, ...location }, look, take);
      } catch (error) {
        // Signed URLs expire: S3 responds with 403, others with 400, 401 or 410. A retry with a new URL shows the real
        // cause.
        const stale = error instanceof RequestFailure && [400, 401, 403, 410].includes(error.status ?? 0);
        if (!stale || location.url.origin === file.url.origin || renewed) throw error;
        if (this.#locations.get(file.url.href) === known) this.#locations.delete(file.url.href);
        renewed = true;
      }
    }
  }

  /** Requests a file's location from the hub once, for all callers. */
  #locate(file: HubFile, signal: AbortSignal): Promise<Location> {
    const key = file.url.href;
    let location = this.#locations.get(key);
    if (location === undefined) {
      location = this.#askLocation(file, signal);
      this.#locations.set(key, location);
      location.catch(() => this.#locations.delete(key));
    }
    return location;
  }

  async #askLocation(file: HubFile, signal: AbortSignal): Promise<Location> {
    let { url } = file;
    // A GET, as the range requests will be: a signature is valid for one method only. Redirects within the hub are
    // followed, up to a limit.
    for (let hops = 0; hops < 5; hops++) {
      const headers = { range: 'bytes=0-0' };
      const expect = [200, 206, 301, 302, 303, 307, 308];
      const got = await this.#options.http.get({
        what: file.what,
        url,
        expect,
        headers,
        follow: false,
        signal,
      });
      drop(got.answer);
      if (got.status < 300) return { url };
      const location = headerOf(got.answer, 'location');
      const next = location && URL.canParse(location, url.href) ? new URL(location, url) : undefined;
      if (next === undefined || (url.protocol === 'https:' && next.protocol !== 'https:')) break;
      if (next.origin !== url.origin) return { url: next, sender: url };
      url = next;
    }
    throw new ModelcarsError('source', `${file.what}: the hub sends us nowhere that we could read from`, {
      next: 'check HF_ENDPOINT: is it a Hugging Face hub?',
    });
  }
}

/** The error prefix of one file. */
export function fileWords(uri: string, file: Pick<LockedFile, 'path'>): string {
  return `read ${plain(uri)}: ${plain(file.path)}`;
}

function checkRange(file: HubFile, seen: ResponseInfo, start: number, end: number): void {
  const header = seen.header('content-range') ?? '';
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(header) ?? [];
  if (total !== undefined && total !== '*' && Number(total) !== file.size) throw otherSize(file, total);
  if (Number(first) === start && Number(last) === end - 1) return;
  throw new ModelcarsError('source', `${file.what}: ${seen.url.host} answered another range than asked for`, {
    next: 'run it again; if it fails again, a proxy on the way changes answers',
  });
}

function otherSize(file: HubFile, size: string): ModelcarsError {
  return new ModelcarsError('integrity', `${file.what}: it has ${size} bytes, ${file.size} are expected`, {
    next: 'run `modelcars lock --upgrade` if the change is meant',
  });
}
