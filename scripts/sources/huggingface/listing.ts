import type { ListFileEntry } from '@huggingface/hub';
import pLimit from 'p-limit';
import { ModelcarsError, stopIfAborted } from '../../errors.ts';
import { RequestFailure } from '../../http/failure.ts';
import { plain } from '../../text/format.ts';
import { checkPath } from '../../text/paths.ts';
import type { AskedFile } from './ask.ts';
import { cardOf } from './card.ts';
import { checkEndpoint, commitShape, type HubRepository, isOriginal } from './uri.ts';

/** A repository at one commit. */
export interface Listing {
  commit: string;
  files: ListedFile[];
  /** Whether its files require accepting its licence. */
  gated: boolean;
  /** The fields of the model card that go into the image. */
  metadata: Record<string, string>;
}

export interface ListedFile {
  path: string;
  /** Bytes. */
  size: number;
  /** Of a file in LFS (or Xet, which reports it as LFS): 64 hexadecimal digits. */
  sha256?: string;
  /** Of a file in git itself: its blob's object id. */
  oid?: string;
}

/** How a hub is asked for a listing. */
export interface AskedHub {
  endpoint: string;
  fetch: typeof globalThis.fetch;
  /** Of one file what the list does not state. */
  askFile(commit: string, path: string): Promise<AskedFile>;
}

/** Most files of a repository. */
const mostFiles = 100_000;
/** Files and folders. */
const mostEntries = 2 * mostFiles;
/**
 * Largest size, in bytes, that a hub may state for a file: sums stay exact. No hub accepts files of a thousandth of it.
 */
const largestFile = 2 ** 50;

/** Most files that are asked one by one because a mirror lists no sizes. */
const mostAsked = 2000;
const parallelAsked = 8;
/** Responses of mirrors that do not know the addresses of trees. */
const unknownAddress: readonly (number | undefined)[] = [400, 404, 405, 501];

/**
 * Resolves a revision: its commit and that commit's files, none of which can change any more. A mirror may know only what
 * huggingface_hub's `snapshot_download` asks: the names of files in the model's description (`siblings`), and sizes in the
 * headers of each. Fails with code `source` or `auth`.
 */
export async function listRepository(
  repository: HubRepository,
  hub: AskedHub,
  signal?: AbortSignal,
): Promise<Listing> {
  // Loaded only by runs that read from a hub.
  const { modelInfo } = await import('@huggingface/hub');
  const { name, revision } = repository;
  const { endpoint, fetch } = hub;
  const info = await modelInfo({
    name,
    revision,
    hubUrl: endpoint,
    fetch,
    additionalFields: ['sha', 'cardData', 'library_name'],
  });
  const stated: unknown = info.sha;
  // Where the source names the commit, a mirror need not.
  const commit = stated ?? (commitShape.test(revision) ? revision : undefined);
  if (commit === undefined) throw uncommitted(repository, endpoint);
  const fail = (problem: string) => strange(repository, endpoint, problem);
  if (typeof commit !== 'string' || !commitShape.test(commit)) throw fail('names no commit');
  if (commitShape.test(revision) && commit !== revision) throw fail('gave another commit');
  if (typeof info.name === 'string' && info.name !== name) throw renamed(repository, info.name);
  const listed: PartialFile[] = [];
  let entries = 0;
  for await (const entry of entriesOf(repository, hub, commit)) {
    stopIfAborted(signal);
    if (++entries > mostEntries) throw fail(`lists more than ${mostEntries} files and folders`);
    if (entry.type === 'file') listed.push(checkEntry(entry, fail));
    if (listed.length > mostFiles) throw fail(`lists more than ${mostFiles} files`);
  }
  const files = await withSizes(listed, (path) => hub.askFile(commit, path), fail);
  const { cardData, library_name: library, task, gated } = info;
  return { commit, files, gated: Boolean(gated), metadata: cardOf({ cardData, library, task }) };
}

/** A file as listed, of a mirror perhaps without its size. */
type PartialFile = Omit<ListedFile, 'size'> & { size?: number };
type Entry = Pick<ListFileEntry, 'type' | 'path'> & Partial<Omit<ListFileEntry, 'type' | 'path'>>;
type Fail = (problem: string) => ModelcarsError;

/** The entries of a commit's tree; of a mirror without trees, the files of its description. */
async function* entriesOf(
  { name }: HubRepository,
  { endpoint, fetch }: AskedHub,
  commit: string,
): AsyncGenerator<Entry> {
  const { listFiles } = await import('@huggingface/hub');
  let started = false;
  try {
    const tree = { repo: name, recursive: true, revision: commit, hubUrl: endpoint, fetch };
    for await (const entry of listFiles(tree)) {
      started = true;
      yield entry;
    }
  } catch (error) {
    const isUnknown = error instanceof RequestFailure && unknownAddress.includes(error.status);
    if (started || !isUnknown || isOriginal({ endpoint })) throw error;
    const response = await fetch(`${endpoint}/api/models/${name}/revision/${commit}?blobs=true`);
    const { siblings } = (await response.json()) as { siblings?: unknown };
    if (!Array.isArray(siblings)) throw error;
    for (const sibling of siblings) yield entryOf(sibling);
  }
}

/** A file of a model's description (`siblings`), as a tree lists it. */
function entryOf(sibling: unknown): Entry {
  const { rfilename, size, blobId, lfs } = (sibling ?? {}) as Record<string, unknown>;
  const { sha256, size: bytes } = (lfs ?? {}) as Record<string, unknown>;
  return {
    type: 'file',
    path: rfilename as string,
    ...(typeof size === 'number' && { size }),
    ...(typeof blobId === 'string' && { oid: blobId }),
    ...(typeof sha256 === 'string' && { lfs: { oid: sha256, size: bytes as number, pointerSize: 0 } }),
  };
}

/** Asks for the sizes that a mirror did not list. */
async function withSizes(
  files: readonly PartialFile[],
  ask: (path: string) => Promise<AskedFile>,
  fail: Fail,
): Promise<ListedFile[]> {
  const unknown = files.filter(({ size }) => size === undefined).length;
  if (unknown > mostAsked) throw fail(`lists ${unknown} files without their sizes`);
  const limit = pLimit(parallelAsked);
  return await Promise.all(
    files.map(async ({ size, ...file }) => {
      if (size !== undefined) return { ...file, size };
      // It becomes part of an address.
      const problem = checkPath(file.path);
      if (problem !== undefined) throw fail(`lists ${plain(file.path)}, a path that ${problem}`);
      return { ...file, ...(await limit(() => ask(file.path))) };
    }),
  );
}

function checkEntry(entry: Entry, fail: Fail): PartialFile {
  const { path, lfs, oid } = entry;
  const size = entry.size ?? lfs?.size ?? undefined;
  const isSize = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
  if (typeof path !== 'string' || (size !== undefined && !isSize(size)))
    throw fail('lists a file without path or size');
  if (size !== undefined && size > largestFile) throw fail(`lists ${plain(path)} with ${size} bytes`);
  if (lfs === undefined || lfs === null)
    return { path, ...(size !== undefined && { size }), ...(oid !== undefined && { oid: String(oid) }) };
  const { oid: sha256 }: { oid: unknown } = lfs;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256) || lfs.size !== size)
    throw fail(`lists ${plain(path)} with a size or hash that cannot be`);
  return { path, ...(size !== undefined && { size }), sha256 };
}

/** A repository's old name redirects to the new one until another account takes it. */
function renamed({ uri, name, revision }: HubRepository, now: string): ModelcarsError {
  const tail = uri.endsWith(`:${revision}`) ? `:${revision}` : '';
  const safe = /^[\w.-]+\/[\w.-]+$/.test(now) ? `hf://${now}${tail}` : plain(now);
  return new ModelcarsError(
    'source',
    `read ${plain(uri)}: the repository ${name} is now called ${plain(now)}`,
    {
      next: `write \`source: ${safe}\` in models.yaml; the old name could become somebody else's`,
    },
  );
}

function strange({ uri }: HubRepository, endpoint: string, problem: string): ModelcarsError {
  return new ModelcarsError('source', `read ${plain(uri)}: the hub ${problem}`, {
    next: checkEndpoint(endpoint),
  });
}

/** A branch without its commit cannot be locked: its files could change. */
function uncommitted({ uri, name, revision }: HubRepository, endpoint: string): ModelcarsError {
  return new ModelcarsError(
    'source',
    `read ${plain(uri)}: ${endpoint} names no commit for ${plain(revision)}, so the model cannot be locked to one`,
    {
      next: isOriginal({ endpoint })
        ? 'run it again later'
        : `name the commit, as in \`source: hf://${plain(name)}:COMMIT\`, or unset HF_ENDPOINT`,
    },
  );
}
