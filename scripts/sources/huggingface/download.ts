import { ModelcarsError } from '../../errors.ts';
import { drop, headerOf } from '../../http/body.ts';
import type { ChunkSink } from '../../http/bulk/connection.ts';
import type { HttpClient, ResponseInfo } from '../../http/client.ts';
import { RequestFailure } from '../../http/failure.ts';
import { parallelRanges, rangeSize } from '../../http/ranges/read.ts';
import type { RetryOptions } from '../../http/retry.ts';
import type { LockedFile } from '../../model/types.ts';
import { plain } from '../../text/format.ts';

/** A file to be read, and where the hub has it. */
export interface HubFile {
  /** How an error begins: "read hf://org/model: config.json". */
  what: string;
  url: URL;
  size: number;
}

export interface HubDownloadOptions {
  /** For the hub: signs in, and follows redirects without. */
  http: HttpClient;
  retry: RetryOptions;
  onRetry?: ((message: string) => void) | undefined;
}

/** Where the bytes of a large file are. */
interface Location {
  url: URL;
  /** Who sends us there, when it is another host. */
  sender?: URL;
}

/** Thrown to begin anew with one request for all. */
class NoRanges extends Error {}

/** Thrown when a server that knows no ranges has sent what was wanted. */
class Enough extends Error {}

/**
 * Reads files of a hub: a small one by one request, a large one in ranges from wherever the hub sends us, with the signed URL
 * remembered until it is refused.
 */
export class Downloads {
  readonly #options: HubDownloadOptions;
  readonly #locations = new Map<string, Promise<Location>>();

  constructor(options: HubDownloadOptions) {
    this.#options = options;
  }

  /** A file's bytes from `offset` up to `end`. Unchecked but for their number. Fails with code `source`, `auth`, `network` or `integrity`. */
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

  /** One range; with `whole`, a server that sends more than was asked for is put up with. */
  async #range(
    file: HubFile,
    { start, end, whole }: { start: number; end: number; whole: boolean },
    take: ChunkSink,
    signal: AbortSignal,
  ): Promise<void> {
    // Bytes before the first that is wanted, and after it up to the last.
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
      // Nothing that is not wanted comes from a server that keeps to the range.
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
        // Whoever asked for all of us was stopped; we were not.
        const theirs = error instanceof ModelcarsError && error.code === 'cancelled' && !signal.aborted;
        if (!theirs) throw error;
        continue;
      }
      try {
        return await http.receive({ ...call, ...location }, look, take);
      } catch (error) {
        // Signed URLs run out: S3 says 403, others 400, 401 or 410. Once more with a new one tells what it really is.
        const stale = error instanceof RequestFailure && [400, 401, 403, 410].includes(error.status ?? 0);
        if (!stale || location.url.origin === file.url.origin || renewed) throw error;
        if (this.#locations.get(file.url.href) === known) this.#locations.delete(file.url.href);
        renewed = true;
      }
    }
  }

  /** Asks the hub once where a file is, whoever wants to know. */
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
    // A GET as the ranges will be: a signature is good for one method only. Within the hub we follow, to a limit.
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
    next: 'run `modelcars lock` if the change is meant',
  });
}
