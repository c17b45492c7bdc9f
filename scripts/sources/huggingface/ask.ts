import { ModelcarsError } from '../../errors.ts';
import { drop, headerOf } from '../../http/body.ts';
import type { HttpClient } from '../../http/client.ts';
import { RequestFailure } from '../../http/failure.ts';
import { plain } from '../../text/format.ts';
import { fileWords } from './download.ts';
import { mostPageBytes, Pages } from './pages.ts';
import type { HubSettings } from './settings.ts';
import { checkEndpoint, type HubRepository, resolveUrl } from './uri.ts';

/** What a listing is asked with. */
interface Client {
  repository: HubRepository;
  settings: HubSettings;
  http: HttpClient;
}

/** What a hub states of one file that its lists lack. */
export interface AskedFile {
  /** Bytes. */
  size: number;
  /** 64 hexadecimal digits, of a file in LFS where the hub states it. */
  sha256?: string;
}

/** `fetch` for the requests of one listing: with the hub's token and retries, within the limits of `Pages`. */
export function listingFetch(
  { repository, settings, http }: Client,
  signal?: AbortSignal,
): typeof globalThis.fetch {
  const what = `read ${plain(repository.uri)}`;
  const pages = new Pages(what, settings.endpoint);
  return async (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    pages.enter(url);
    const headers = { accept: 'application/json' };
    const ask = (at: URL) => http.read({ what, url: at, expect: [200], headers, signal }, mostPageBytes);
    const whole = await ask(url).catch((error: unknown) => askPlainly(error, url, ask));
    pages.add(whole.bytes.length);
    const link = pages.nextLink(whole.header('link'), whole.url);
    return new Response(Buffer.from(whole.bytes), {
      headers: { 'content-type': 'application/json', link },
    });
  };
}

/** Responses of hubs that do not know `expand` in a model's address. */
const unknownQuery: readonly (number | undefined)[] = [400, 404, 501];

/**
 * Asks again without `expand`, which Artifactory, Nexus and other mirrors do not know: they answer with everything
 * anyway.
 */
async function askPlainly<T>(error: unknown, url: URL, ask: (url: URL) => Promise<T>): Promise<T> {
  if (!(error instanceof RequestFailure) || !unknownQuery.includes(error.status)) throw error;
  if (!url.searchParams.has('expand')) throw error;
  const bare = new URL(url);
  // `recursive` stays: without it, the files of sub-folders would be left out.
  bare.searchParams.delete('expand');
  return await ask(bare);
}

/**
 * The size of one file, and its SHA-256 where the hub states it: from the headers with which clients check a download
 * (huggingface_hub's `get_hf_file_metadata`), or of the server that it redirects to. Reads at most one byte.
 */
export async function askFile(
  { repository, settings, http }: Client,
  commit: string,
  path: string,
  signal?: AbortSignal,
): Promise<AskedFile> {
  const what = fileWords(repository.uri, { path });
  const call = {
    what,
    url: resolveUrl(settings.endpoint, repository.name, commit, path),
    headers: { range: 'bytes=0-0' },
    signal,
  };
  // An empty file has no first byte.
  const whole = [200, 206, 416];
  const { answer, status } = await http.get({
    ...call,
    expect: [...whole, 301, 302, 303, 307, 308],
    follow: false,
  });
  drop(answer);
  const linked = sizeOf(headerOf(answer, 'x-linked-size'));
  const [, sha256] = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(headerOf(answer, 'x-linked-etag') ?? '') ?? [];
  if (linked !== undefined) return { size: linked, ...(sha256 !== undefined && { sha256 }) };
  const last = whole.includes(status) ? { answer, status } : await http.get({ ...call, expect: whole });
  if (last.answer !== answer) drop(last.answer);
  const total = /\/(\d+)$/.exec(headerOf(last.answer, 'content-range') ?? '')?.[1];
  const size = sizeOf(total ?? (last.status === 200 ? headerOf(last.answer, 'content-length') : undefined));
  if (size !== undefined) return { size };
  throw new ModelcarsError('source', `${what}: ${settings.endpoint} does not state its size`, {
    next: checkEndpoint(settings.endpoint),
  });
}

function sizeOf(text: string | undefined): number | undefined {
  return /^\d{1,15}$/.test(text ?? '') ? Number(text) : undefined;
}
