import type { Parsed } from '../types.ts';
import { checkHubUri } from './uri.ts';

/** A repository of the hub, as a page's URL or a name refers to it. */
export interface HubReference {
  /** `org/name`, or a name without an organization, which only the hub can complete. */
  name: string;
  /** A branch, tag or commit; absent for `main`. */
  revision?: string;
  /** The file that the page is about. */
  path?: string;
}

const hosts = ['huggingface.co', 'www.huggingface.co', 'hf.co'];
/** What follows the name in a page's path, before a revision. */
const views = ['tree', 'blob', 'resolve', 'raw', 'commit', 'commits'];
/** Top-level pages that are no account. */
const otherPages =
  /^(api|blog|chat|collections|datasets|docs|join|learn|login|models|new|organizations|papers|posts|pricing|search|settings|spaces|tasks)$/;
const part = '[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?';
const commit = '[A-Za-z0-9_][A-Za-z0-9._/-]*';
// A single name followed by a colon is a scheme.
const named = new RegExp(
  `^(?:hf:(?://)?)?(?:(${part}/${part})(?:[@:](${commit}))?|(${part})(?:@(${commit}))?)$`,
);

/**
 * The repository behind the URL of a page or file on the hub, or on that of HF_ENDPOINT; undefined for any other text.
 * The scheme can be missing.
 */
export function parseHubPage(text: string, env: NodeJS.ProcessEnv = {}): Parsed<HubReference> | undefined {
  const spelled = /^https?:\/\//i.test(text) ? text : `https://${text}`;
  if (!URL.canParse(spelled) || !/^[\w.-]+(:\d+)?\/|^https?:\/\//i.test(text)) return undefined;
  const url = new URL(spelled);
  const endpoint = URL.canParse(env.HF_ENDPOINT ?? '') ? new URL(env.HF_ENDPOINT ?? '') : undefined;
  const below = endpoint?.pathname.replace(/\/+$/, '') ?? '';
  const isOwn = url.host === endpoint?.host && url.pathname.startsWith(`${below}/`);
  if (!isOwn && !hosts.includes(url.host)) return undefined;
  const parts = splitPath(isOwn ? url.pathname.slice(below.length) : url.pathname);
  const bad = (expected: string) => ({ ok: false as const, problem: { expected } });
  const [account = '', ...rest] = parts ?? [];
  if (account === '' || otherPages.test(account))
    return bad('the page of a model on the hub, such as `https://huggingface.co/org/name`');
  const isShort = rest.length === 0 || views.includes(rest[0] ?? '');
  const name = isShort ? account : `${account}/${rest.shift()}`;
  const [view = '', ...more] = rest;
  // `refs/pr/1` has slashes of its own.
  const revision = views.includes(view)
    ? more.splice(0, more[0] === 'refs' ? 3 : 1).join('/') || undefined
    : undefined;
  const path = ['blob', 'resolve', 'raw'].includes(view) ? more.join('/') : '';
  return checked(name, revision, path) ?? bad('a repository and a revision of the hub');
}

/** `org/name`, `name`, `org/name@revision`, `org/name:revision`, with or without `hf://`; undefined for any other text. */
export function parseHubName(text: string): HubReference | undefined {
  const [, long, tagged, name = long, revision = tagged] = named.exec(text) ?? [];
  const parsed = name === undefined ? undefined : checked(name, revision, '');
  return parsed?.ok ? parsed.value : undefined;
}

/** The `hf://` URI of a repository; undefined when its name lacks an organization. */
export function uriOf({ name, revision }: HubReference): string | undefined {
  const uri = `hf://${name}${revision === undefined ? '' : `:${revision}`}`;
  return checkHubUri(uri) === undefined ? uri : undefined;
}

function checked(name: string, revision: string | undefined, path: string): Parsed<HubReference> | undefined {
  const other = revision === 'main' ? undefined : revision;
  const whole = `hf://${name.includes('/') ? name : `org/${name}`}${other === undefined ? '' : `:${other}`}`;
  if (checkHubUri(whole) !== undefined) return undefined;
  const value = { name, ...(other !== undefined && { revision: other }), ...(path !== '' && { path }) };
  return { ok: true, value };
}

/** The decoded components of a URL's path; undefined when it cannot be decoded. */
function splitPath(path: string): string[] | undefined {
  try {
    return path
      .split('/')
      .filter((one) => one !== '')
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
