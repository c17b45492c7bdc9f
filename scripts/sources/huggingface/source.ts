import pLimit from 'p-limit';
import { ModelcarsError } from '../../errors.ts';
import { drop } from '../../http/body.ts';
import { HttpClient } from '../../http/client.ts';
import { defaultRetry, type RetryOptions } from '../../http/retry.ts';
import { isLoopback, Transport } from '../../http/transport.ts';
import type { LockedFile } from '../../model/types.ts';
import { plain, show } from '../../text/format.ts';
import { checkClashes, checkPath, compareBytes } from '../../text/paths.ts';
import { didYouMean } from '../../text/suggest.ts';
import type { ConnectionOptions, FileTap, Selection, Snapshot, Source } from '../types.ts';
import { askFile, listingFetch } from './ask.ts';
import { findConversion } from './conversion.ts';
import { Downloads, fileWords, type HubFile } from './download.ts';
import { hubFailure } from './failure.ts';
import { hashFile } from './hash.ts';
import { type ListedFile, type Listing, listRepository } from './listing.ts';
import { mostPageBytes } from './pages.ts';
import { type HubSettings, readHubSettings } from './settings.ts';
import {
  checkEndpoint,
  checkHubUri,
  type HubRepository,
  isOriginal,
  parseHubUri,
  resolveUrl,
} from './uri.ts';

/** Small files read at the same time to hash them. */
const parallelFiles = 8;

/** One repository, and the settings and client to access it. */
interface Client {
  repository: HubRepository;
  settings: HubSettings;
  http: HttpClient;
  downloads: Downloads;
}

/**
 * The source of `hf://org/name[:revision]` URIs: a model repository on a Hugging Face hub, resolved to a commit.
 * Connections, listings and signed URLs are kept for its lifetime; idle connections do not keep the process alive.
 */
export class HubSource implements Source {
  readonly #options: ConnectionOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #transport: Transport;
  readonly #retry: RetryOptions;
  #settings: Promise<HubSettings> | undefined;
  readonly #clients = new Map<string, Promise<Client>>();
  readonly #listings = new Map<string, Promise<Listing>>();

  constructor(options: ConnectionOptions = {}) {
    const { env = process.env, caFile } = options;
    this.#options = options;
    this.#env = env;
    this.#transport = new Transport({ env, ...(caFile !== undefined && { caFile }) });
    this.#retry = { ...defaultRetry, ...options.retry };
  }

  async resolve(uri: string, select: Selection, signal?: AbortSignal, tap?: FileTap): Promise<Snapshot> {
    const client = await this.#client(uri);
    const listing = await this.#list(client, signal);
    const only = client.repository.path;
    const own = listing.files.filter(({ path }) => only === undefined || path === only);
    if (only !== undefined && own.length === 0) throw noSuchFile(uri, only, listing);
    const chosen = own
      .filter(({ path, size }) => select(path, size))
      .sort((a, b) => compareBytes(a.path, b.path));
    checkPaths(uri, chosen);
    if (listing.gated) await this.#checkAccess(client, listing, chosen, signal);
    const files = await this.#hashAll(client, listing.commit, chosen, signal, tap);
    const { metadata } = listing;
    return { revision: listing.commit, files, ...(Object.keys(metadata).length > 0 && { metadata }) };
  }

  async *open(
    uri: string,
    revision: string,
    file: LockedFile,
    offset = 0,
    signal?: AbortSignal,
    end?: number,
  ): AsyncGenerator<Uint8Array> {
    const client = await this.#client(uri);
    // A file of `files:` has its path in the image.
    const { path = file.path } = client.repository;
    yield* client.downloads.read(remoteFile(client, revision, { ...file, path }), offset, signal, end);
  }

  /**
   * The current name of a repository, `org/name`: the hub redirects former names and those without an organization.
   * Fails with code `source` or `auth`.
   */
  async canonicalName(name: string, signal?: AbortSignal): Promise<string> {
    const repository: HubRepository = { uri: `hf://${name}`, name, revision: 'main' };
    const { http, settings } = await this.#open(repository);
    const what = `read ${plain(repository.uri)}`;
    const url = new URL(`${settings.endpoint}/api/models/${name}?expand=sha`);
    const headers = { accept: 'application/json' };
    const { bytes } = await http.read({ what, url, expect: [200], headers, signal }, mostPageBytes);
    // A mirror may describe a model without its name.
    const now = idOf(bytes) ?? name;
    if (now !== undefined && checkHubUri(`hf://${now}`) === undefined) return now;
    throw new ModelcarsError('source', `${what}: what ${settings.endpoint} answers is not a hub's answer`, {
      next: checkEndpoint(settings.endpoint),
    });
  }

  /** The repository at the pull request in which the hub's bot proposes safetensors; undefined without one. */
  async converted(uri: string, signal?: AbortSignal): Promise<string | undefined> {
    const { http, settings, repository } = await this.#client(uri);
    const proposal = await findConversion(repository, settings.endpoint, http, signal);
    if (proposal === undefined) return undefined;
    let has = false;
    const look: Selection = (path) => {
      has ||= path.endsWith('.safetensors');
      return false;
    };
    await this.resolve(proposal, look, signal).catch((error: unknown) => {
      if (signal?.aborted) throw error;
    });
    return has ? proposal : undefined;
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #client(uri: string): Promise<Client> {
    return await this.#open(parseHubUri(uri));
  }

  #open(repository: HubRepository): Promise<Client> {
    return remember(this.#clients, repository.uri, async () => {
      this.#settings ??= readHubSettings(this.#env);
      const settings = await this.#settings;
      const { origin, protocol } = new URL(settings.endpoint);
      const { onRetry } = this.#options;
      const { token } = settings;
      const http = new HttpClient({
        transport: this.#transport,
        retry: this.#retry,
        onRetry,
        authorize: (url) =>
          token && token.withheld === undefined && url.origin === origin
            ? `Bearer ${token.secret}`
            : undefined,
        mayBePlain: (url) =>
          protocol === 'http:' || (isLoopback(url.hostname) && isLoopback(new URL(origin).hostname)),
        refused: (call, answer) => hubFailure(call.what, repository, settings, answer),
      });
      const downloads = new Downloads({ http, retry: this.#retry, onRetry });
      return { repository, settings, http, downloads };
    });
  }

  /** Looks a revision up once: resolving it twice in a run gives the same commit. */
  #list({ repository, settings, http }: Client, signal?: AbortSignal): Promise<Listing> {
    const what = `read ${plain(repository.uri)}`;
    const client = { repository, settings, http };
    const hub = {
      endpoint: settings.endpoint,
      fetch: listingFetch(client, signal),
      askFile: (commit: string, path: string) => askFile(client, commit, path, signal),
    };
    return remember(this.#listings, repository.uri, () =>
      listRepository(repository, hub, signal).catch((error: unknown) => {
        if (error instanceof ModelcarsError) throw error;
        throw new ModelcarsError(
          'source',
          `${what}: what ${settings.endpoint} answers is not a hub's answer`,
          {
            cause: error,
            next: checkEndpoint(settings.endpoint),
          },
        );
      }),
    );
  }

  /** The list of a gated repository is public, its files are not: fail now, not in the middle of a push. */
  async #checkAccess(
    client: Client,
    listing: Listing,
    chosen: ListedFile[],
    signal?: AbortSignal,
  ): Promise<void> {
    const { http, settings, repository } = client;
    const [file] = chosen;
    if (file === undefined) return;
    const url = resolveUrl(settings.endpoint, repository.name, listing.commit, file.path);
    const what = fileWords(repository.uri, file);
    const expect = [200, 206, 301, 302, 303, 307, 308];
    const headers = { range: 'bytes=0-0' };
    const { answer } = await http.get({ what, url, expect, headers, follow: false, signal });
    drop(answer);
  }

  async #hashAll(
    client: Client,
    commit: string,
    chosen: ListedFile[],
    signal?: AbortSignal,
    tap?: FileTap,
  ): Promise<LockedFile[]> {
    const limit = pLimit(parallelFiles);
    const stop = new AbortController();
    const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const hashing = chosen.map(({ path, size, sha256, oid }) =>
      limit(async (): Promise<LockedFile> => {
        if (sha256 !== undefined) return { path, size, sha256 };
        const file = remoteFile(client, commit, { path, size });
        return hashFile(
          file.what,
          { path, size, ...(oid !== undefined && { oid }) },
          client.downloads.read(file, 0, either),
          { tap, isMirror: !isOriginal(client.settings) },
        );
      }),
    );
    try {
      return await Promise.all(hashing);
    } catch (error) {
      stop.abort(error);
      await Promise.allSettled(hashing);
      throw error;
    }
  }
}

/** The `id` of a model's description. */
function idOf(bytes: Uint8Array): string | undefined {
  try {
    const { id } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { id?: unknown };
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

function remoteFile(
  { settings, repository }: Client,
  commit: string,
  file: Pick<LockedFile, 'path' | 'size'>,
): HubFile {
  const url = resolveUrl(settings.endpoint, repository.name, commit, file.path);
  return { what: fileWords(repository.uri, file), url, size: file.size };
}

function noSuchFile(uri: string, path: string, { files }: Listing): ModelcarsError {
  const near = didYouMean(
    path,
    files.map((file) => file.path),
  );
  return new ModelcarsError('source', `read ${plain(uri)}: the repository has no file ${show(path)}${near}`, {
    next: 'correct the path behind `#`',
  });
}

/** Paths from a hub are untrusted. */
function checkPaths(uri: string, files: readonly ListedFile[]): void {
  const fail = (problem: string) =>
    new ModelcarsError('source', `read ${plain(uri)}: ${problem}`, { next: 'leave one out with `exclude`' });
  for (const { path } of files) {
    const problem = checkPath(path);
    if (problem) throw fail(`the path ${plain(path)} ${problem}`);
  }
  const [clash] = checkClashes(files.map(({ path }) => path));
  if (clash) throw fail(`${plain(clash.first)} and ${plain(clash.second)} ${clash.why}`);
}

function remember<V>(memory: Map<string, Promise<V>>, key: string, make: () => Promise<V>): Promise<V> {
  let value = memory.get(key);
  if (value === undefined) {
    value = make();
    memory.set(key, value);
    value.catch(() => memory.delete(key));
  }
  return value;
}
