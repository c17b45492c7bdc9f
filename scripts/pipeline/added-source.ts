import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { ModelcarsError } from '../errors.ts';
import { isWeights } from '../formats/names.ts';
import { encodePath } from '../sources/file/uri.ts';
import { canonicalReference } from '../sources/huggingface/canonical.ts';
import { type HubReference, parseHubName, parseHubPage, uriOf } from '../sources/huggingface/pasted.ts';
import { checkUri, pastedUri } from '../sources/index.ts';
import type { SourceOptions } from '../sources/types.ts';
import { plain } from '../text/format.ts';
import { meant } from '../text/suggest.ts';

/** The source that a user means. */
export interface AddedSource {
  /** For `source:` in models.yaml. */
  uri: string;
  /** The file of the source that the user pointed at. */
  path?: string;
  /** How it differs from the text, if the user has to know. */
  note?: string;
}

const next = 'give a path, org/name of the hub, or a URL: see `modelcars add --help`';

const unknownNext =
  'correct the path or the name; for a private repository, set HF_TOKEN to a token that may read it';

/**
 * Understands what users type or paste: a URI, a page of the hub or of GitHub, a local path (which wins over `org/name`),
 * a name on the hub. Asks the hub for the current name of a repository. `sources.directory` is the folder of models.yaml,
 * `cwd` that of relative paths. Fails with code `usage` when the text means nothing, and with the hub's errors.
 */
export async function addedSource(
  text: string,
  sources: SourceOptions,
  { cwd = process.cwd(), signal }: { cwd?: string; signal?: AbortSignal } = {},
): Promise<AddedSource> {
  const { directory, env = process.env } = sources;
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  if (!isUrl && (await exists(cwd, text)))
    return { uri: checkedUri(text, fileUri(resolve(cwd, text), directory)) };
  const page = parseHubPage(text, env);
  if (page?.ok) return await fromHub(page.value, sources, signal);
  if (page !== undefined) throw fail(text, `expected ${page.problem.expected}`, next);
  const file = pastedUri(text);
  if (file !== undefined) return { uri: checkedUri(text, file) };
  const name = parseHubName(text);
  if (name !== undefined && /^hf:/i.test(text)) return await fromHub(name, sources, signal);
  // A scheme, or a mistyped one.
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) return { uri: checkedUri(text, text) };
  const near = await nearPath(cwd, text);
  const isPath = name === undefined || isWeights(text) || (near !== undefined && text.includes('/'));
  if (isPath) throw noPath(text, near, name);
  try {
    return await fromHub(name, sources, signal);
  } catch (error) {
    if (!(error instanceof ModelcarsError) || error.code === 'cancelled') throw error;
    const hint = near === undefined ? '' : `; did you mean \`${plain(near)}\`?`;
    const isUnknown = error.code === 'source' || error.code === 'auth';
    throw new ModelcarsError(
      error.code,
      `add ${plain(text)}: no file or folder has this path${hint}; as a name on the hub: ${error.message}`,
      { cause: error, next: isUnknown ? unknownNext : (error.next ?? next) },
    );
  }
}

async function fromHub(
  reference: HubReference,
  sources: SourceOptions,
  signal?: AbortSignal,
): Promise<AddedSource> {
  const current = await canonicalReference(reference, sources, signal);
  const { name } = reference;
  const uri = uriOf(current);
  if (uri === undefined) throw new ModelcarsError('bug', `add ${plain(name)}: no URI`);
  return {
    uri,
    ...(reference.path !== undefined && { path: reference.path }),
    ...(current.name !== name && { note: `${plain(name)} is ${plain(current.name)} on the hub` }),
  };
}

/** A path as a URI: relative to the folder of models.yaml where it is inside that. */
function fileUri(file: string, directory: string): string {
  const below = relative(directory, file);
  const isInside = below !== '..' && !below.startsWith('../') && !below.startsWith('/');
  return isInside ? `file:${encodePath(below || '.')}` : `file://${encodePath(file)}`;
}

function checkedUri(text: string, uri: string): string {
  const problem = checkUri(uri);
  if (problem === undefined) return uri;
  throw fail(text, `expected ${problem.expected}${problem.hint ?? ''}`, next);
}

/** The existing path that is most like a mistyped one, as the user would write it. */
async function nearPath(cwd: string, path: string): Promise<string | undefined> {
  const folder = dirname(path);
  const names = await readdir(resolve(cwd, folder)).catch(() => []);
  const near = meant(
    basename(path),
    names.filter((name) => !name.startsWith('.')),
  );
  if (near === undefined) return undefined;
  return path.startsWith('./') ? `./${join(folder, near)}` : join(folder, near);
}

function noPath(text: string, near: string | undefined, name: HubReference | undefined): ModelcarsError {
  const hint = near === undefined ? '' : `; did you mean \`${plain(near)}\`?`;
  const hub = name === undefined ? undefined : uriOf(name);
  return fail(
    text,
    `no file or folder has this path${hint}`,
    hub === undefined ? next : `correct the path, or write ${hub} for a repository of the hub`,
  );
}

async function exists(cwd: string, path: string): Promise<boolean> {
  return path !== '' && (await lstat(resolve(cwd, path)).catch(() => undefined)) !== undefined;
}

function fail(text: string, problem: string, then: string): ModelcarsError {
  return new ModelcarsError('usage', `add ${plain(text)}: ${problem}`, { next: then });
}
