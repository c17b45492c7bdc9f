import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import { checkPath } from '../../text/paths.ts';
import type { Problem } from '../types.ts';

const prefix = 'hf://';

/** The repository that a `hf://` URI names. */
export interface HubRepository {
  /** As in the catalog. */
  uri: string;
  /** `org/name`. */
  name: string;
  /** A branch, tag or commit; `main` when the URI has none. */
  revision: string;
  /** The only file of it that the URI names. */
  path?: string;
}

/** A git commit's name: sha1, or sha256 in newer repositories. */
export const commitShape = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Parses a `hf://org/name[:revision][#path]` URI. Fails with code `source`. */
export function parseHubUri(uri: string): HubRepository {
  const problem = checkHubUri(uri);
  if (problem !== undefined) {
    throw new ModelcarsError('source', `read ${plain(uri)}: expected ${problem.expected}`, {
      next: 'correct `source` in models.yaml',
    });
  }
  const { name, revision = 'main', path } = splitHubUri(uri);
  return { uri, name, revision, ...(path !== undefined && { path }) };
}

/**
 * The problem with a `hf://org/name[:revision][#path]` URI, or undefined. The form without a path is that of KServe's
 * storage initializer.
 */
export function checkHubUri(uri: string): Problem | undefined {
  const part = '[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?';
  const form = new RegExp(`^${prefix}${part}/${part}(?::[A-Za-z0-9_][A-Za-z0-9._/-]*)?$`);
  const expected = '`hf://org/repo` or `hf://org/repo:revision`, with `#path` for one file';
  const [repository = '', path] = splitOnce(uri, '#');
  if (!form.test(repository) || repository.includes('..')) return { expected };
  const problem = path === undefined ? undefined : checkPath(path);
  return problem === undefined ? undefined : { expected, hint: `: the path ${problem}` };
}

/** The parts of a checked URI; no revision if it names none. */
export function splitHubUri(uri: string): { name: string; revision?: string; path?: string } {
  const [repository = '', path] = splitOnce(uri.slice(prefix.length), '#');
  const [name = '', revision] = repository.split(':');
  return { name, ...(revision !== undefined && { revision }), ...(path !== undefined && { path }) };
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** The URI of `org/name[:revision]`; a URI is returned unchanged. */
export function hubUri(name: string): string {
  return name.startsWith(prefix) ? name : prefix + name;
}

/** The hub's address, without a trailing slash. Unchecked: see settings.ts. */
export function endpointOf(env: NodeJS.ProcessEnv): string {
  return (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
}

/** The web page of a repository. */
export function pageOf(endpoint: string, name: string): string {
  return `${endpoint}/${name}`;
}

/** The URL of one file's bytes. */
export function resolveUrl(endpoint: string, name: string, commit: string, path: string): URL {
  const file = path.split('/').map(encodeURIComponent).join('/');
  return new URL(`${endpoint}/${name}/resolve/${commit}/${file}`);
}

/** Whether the hub is Hugging Face's own, not a mirror, a proxy or another hub of its protocol. */
export function isOriginal({ endpoint }: { endpoint: string }): boolean {
  return endpoint === 'https://huggingface.co';
}

/**
 * The next step after answers that are no hub's. ModelScope has an API of its own, below /api/v1 (modelscope_hub,
 * _legacy_api.py), and addresses for files like a hub's.
 */
export function checkEndpoint(endpoint: string): string {
  const { host, hostname } = new URL(endpoint);
  return /(^|\.)modelscope\.(cn|ai)$/.test(hostname)
    ? `unset HF_ENDPOINT, or name the files of ModelScope one by one, as in \`files: {config.json: "https://${host}/models/ORG/NAME/resolve/master/config.json"}\`: it does not speak the hub's protocol`
    : 'check HF_ENDPOINT: is it a Hugging Face hub?';
}

/** Where tokens are made, to follow "made": `at https://…/settings/tokens`; of other hubs the page is not known. */
export function tokensAt(settings: { endpoint: string }): string {
  return isOriginal(settings)
    ? 'at https://huggingface.co/settings/tokens'
    : `at ${new URL(settings.endpoint).host}`;
}
