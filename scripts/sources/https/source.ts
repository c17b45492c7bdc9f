import { createHash } from 'node:crypto';
import { ModelcarsError } from '../../errors.ts';
import { headBytes, isPointer } from '../../formats/head.ts';
import { type DownloadOptions, download } from '../../http/download.ts';
import { networkFailure, RequestFailure } from '../../http/failure.ts';
import { defaultRetry, Retries } from '../../http/retry.ts';
import { Transport } from '../../http/transport.ts';
import { plain } from '../../text/format.ts';
import type { ConnectionOptions, FileTap, Source } from '../types.ts';
import { httpsAdvice } from './failure.ts';
import { get, type RangeResponse } from './get.ts';
import { repair } from './repair.ts';
import { parseHttpsUri } from './uri.ts';

/** A file to read. */
type Read = Pick<
  DownloadOptions<RangeResponse>,
  'what' | 'offset' | 'size' | 'signal' | 'check' | 'restart'
> & { url: URL };

/**
 * The source of `https:` URIs (and of loopback `http:` ones): a single file, named after the last component of the
 * URL's path. The revision is the SHA-256 of its content, since a URL guarantees nothing. Sends no credentials.
 */
export function httpsSource(options: ConnectionOptions = {}): Source {
  const { env = process.env, caFile, onRetry } = options;
  const retry = { ...defaultRetry, ...options.retry };
  const connect = (): Transport => new Transport({ env, ...(caFile !== undefined && { caFile }) });
  const read = (transport: Transport, { what, url, signal, ...more }: Read): AsyncGenerator<Uint8Array> => {
    let answered = false;
    return download({
      what,
      signal,
      ...more,
      retries: new Retries({ retry, onRetry, signal, answered: () => answered }),
      async open(offset, etag) {
        const response = await get(transport, { what, url, offset, etag, signal });
        answered = true;
        return response;
      },
      broken: (error, host = url.host) => networkFailure(what, host, error, httpsAdvice),
      otherSize: (found, size) => otherSize(what, found, size),
    });
  };
  return {
    async resolve(uri, select, signal, tap) {
      const { url, name, what } = open(uri);
      let digest = createHash('sha256');
      let size = 0;
      let first = Buffer.alloc(0);
      let total: number | undefined;
      let watcher: ReturnType<FileTap>;
      const watch = (): void => {
        watcher = total === undefined ? undefined : tap?.({ path: name, size: total });
      };
      if (!select(name)) return { revision: `sha256:${digest.digest('hex')}`, files: [] };
      const restart = (): void => {
        digest = createHash('sha256');
        size = 0;
        first = Buffer.alloc(0);
        watch();
      };
      const check = (got: RangeResponse): void => {
        refusePage(what, name, got);
        total = got.total;
        // A response may resume where another broke off.
        if (size === 0) watch();
      };
      const transport = connect();
      try {
        for await (const chunk of read(transport, { what, url, signal, check, restart })) {
          digest.update(chunk);
          watcher?.update(chunk);
          size += chunk.length;
          if (first.length < headBytes)
            first = Buffer.concat([first, chunk.subarray(0, headBytes - first.length)]);
        }
      } finally {
        await transport.close();
      }
      refusePointer(what, size, first);
      const sha256 = digest.digest('hex');
      await watcher?.end(sha256);
      return { revision: `sha256:${sha256}`, files: [{ path: name, size, sha256 }] };
    },

    async *open(uri, _revision, file, offset = 0, signal) {
      const { url, what } = open(uri);
      const transport = connect();
      try {
        yield* read(transport, { what, url, offset, size: file.size, signal });
      } finally {
        await transport.close();
      }
    },
  } satisfies Source;
}

/** The parts of a URI and the start of error messages about it, without its query, which may be confidential. */
function open(uri: string): { url: URL; name: string; what: string } {
  const parsed = parseHttpsUri(uri);
  const what = `read ${plain(uri, 200)}`;
  if (parsed.ok) return { ...parsed.value, what };
  throw new ModelcarsError('source', `${what}: expected ${parsed.problem.expected}`, {
    next: 'correct `source` in models.yaml',
  });
}

/** Rejects a page about the file in place of the file: a login, GitHub's `/blob/`, a "not found" with status 200. */
function refusePage(what: string, name: string, { host, contentType }: RangeResponse): void {
  if (!contentType.startsWith('text/html') || /\.x?html?$/i.test(name)) return;
  throw new RequestFailure(`${what}: ${host} sends a web page, not a file`, {
    code: 'source',
    next: "use the URL of the file itself: GitHub's has `/raw/`, not `/blob/`",
  });
}

function refusePointer(what: string, size: number, first: Buffer): void {
  if (!isPointer(first, size)) return;
  throw new ModelcarsError('source', `${what}: it is a Git LFS pointer, not the file`, {
    next: repair.pointer,
  });
}

function otherSize(what: string, found: string, size: number): RequestFailure {
  return new RequestFailure(`${what}: it has ${found} bytes, the lock has ${size}`, {
    code: 'integrity',
    next: 'run `modelcars lock --upgrade` if the change is meant',
  });
}
