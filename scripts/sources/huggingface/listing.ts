import type { ListFileEntry } from '@huggingface/hub';
import { ModelcarsError, stopIfAborted } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import { cardOf } from './card.ts';
import { commitShape, type HubRepository } from './uri.ts';

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

/** Most files of a repository. */
const mostFiles = 100_000;
/** Files and folders. */
const mostEntries = 2 * mostFiles;
/**
 * Largest size, in bytes, that a hub may state for a file: sums stay exact. No hub accepts files of a thousandth of it.
 */
const largestFile = 2 ** 50;

/**
 * Resolves a revision: its commit and that commit's files, none of which can change any more. Fails with code `source`
 * or `auth`.
 */
export async function listRepository(
  repository: HubRepository,
  endpoint: string,
  fetch: typeof globalThis.fetch,
  signal?: AbortSignal,
): Promise<Listing> {
  // Loaded only by runs that read from a hub.
  const { listFiles, modelInfo } = await import('@huggingface/hub');
  const { name, revision } = repository;
  const info = await modelInfo({
    name,
    revision,
    hubUrl: endpoint,
    fetch,
    additionalFields: ['sha', 'cardData', 'library_name'],
  });
  const commit: unknown = info.sha;
  if (typeof commit !== 'string' || !commitShape.test(commit)) throw strange(repository, 'names no commit');
  if (commitShape.test(revision) && commit !== revision) throw strange(repository, 'gave another commit');
  if (typeof info.name === 'string' && info.name !== name) throw renamed(repository, info.name);
  const files: ListedFile[] = [];
  const folders = { repo: name, recursive: true, revision: commit, hubUrl: endpoint, fetch };
  let entries = 0;
  for await (const entry of listFiles(folders)) {
    stopIfAborted(signal);
    if (++entries > mostEntries)
      throw strange(repository, `lists more than ${mostEntries} files and folders`);
    if (entry.type === 'file') files.push(checkEntry(repository, entry));
    if (files.length > mostFiles) throw strange(repository, `lists more than ${mostFiles} files`);
  }
  const { cardData, library_name: library, task, gated } = info;
  return { commit, files, gated: Boolean(gated), metadata: cardOf({ cardData, library, task }) };
}

function checkEntry(repository: HubRepository, entry: ListFileEntry): ListedFile {
  const { path, size, lfs, oid } = entry;
  const isSize = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0;
  if (typeof path !== 'string' || !isSize(size))
    throw strange(repository, 'lists a file without path or size');
  if (size > largestFile) throw strange(repository, `lists ${plain(path)} with ${size} bytes`);
  if (lfs === undefined || lfs === null)
    return { path, size, ...(oid !== undefined && { oid: String(oid) }) };
  const { oid: sha256 }: { oid: unknown } = lfs;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256) || lfs.size !== size)
    throw strange(repository, `lists ${plain(path)} with a size or hash that cannot be`);
  return { path, size, sha256 };
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

function strange({ uri }: HubRepository, problem: string): ModelcarsError {
  return new ModelcarsError('source', `read ${plain(uri)}: the hub ${problem}`, {
    next: 'check HF_ENDPOINT: is it a Hugging Face hub?',
  });
}
