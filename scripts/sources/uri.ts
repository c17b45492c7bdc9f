import { posix } from 'node:path';
import { checkPath } from '../text/paths.ts';
import { nearest } from '../text/suggest.ts';
import { parseS3Uri } from './s3/uri.ts';

/** Schemes a source may have; the second kind is read by rooms still to come. */
export const schemes = ['file', 'hf', 'https', 's3'] as const;
export type Scheme = (typeof schemes)[number];

/** A `file:` URI taken apart. */
export interface FilePath {
  /** Percent-decoded; normalised, so that a relative one holds no `..`. */
  path: string;
  absolute: boolean;
}

/** An `https://` URI taken apart. */
export interface HttpsFile {
  url: URL;
  /** The last component of the path, percent-decoded and checked: the file's path below the source's root. */
  name: string;
}

/** What was wanted instead of a text; "expected …, got …" is made of it. */
export interface Problem {
  expected: string;
  /** Ends the sentence: `; did you mean …?`. */
  hint?: string;
}

/** What a URI is, or why it is none. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; problem: Problem };

const wanted = '`file:path`, `hf://org/repo[:revision]`, `https://host/path` or `s3://bucket/prefix`';

/** The scheme of a source's URI. */
export function schemeOf(uri: string): Parsed<Scheme> {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(uri);
  if (!match?.[1]) return bad(wanted, /^[\w./-]{1,80}$/.test(uri) ? `; did you mean \`file:${uri}\`?` : '');
  // A server on this machine, as tests and port-forwards have one; elsewhere the bytes need TLS.
  if (isLoopbackHttp(uri)) return { ok: true, value: 'https' };
  const found = schemes.find((scheme) => scheme === match[1]);
  if (found) return { ok: true, value: found };
  const near = match[1].toLowerCase() === 'http' ? 'https' : nearest(match[1], schemes);
  return bad(wanted, near ? `; did you mean \`${near}:\`?` : '');
}

/** What is wrong with a source's URI, or undefined. Looks at the text only, never at a disk or a network. */
export function checkUri(uri: string): Problem | undefined {
  if (/\p{Cc}/u.test(uri) || !uri.isWellFormed()) return { expected: `${wanted} without control characters` };
  const scheme = schemeOf(uri);
  if (!scheme.ok) return scheme.problem;
  if (scheme.value === 'file') {
    const parsed = parseFileUri(uri);
    return parsed.ok ? undefined : parsed.problem;
  }
  if (scheme.value === 'hf') return checkHub(uri);
  const parsed = scheme.value === 's3' ? parseS3Uri(uri) : parseHttpsUri(uri);
  return parsed.ok ? undefined : parsed.problem;
}

/**
 * `file:relative/path` (from the catalog's folder, which it must not leave) or `file:///absolute/path`,
 * percent-decoded (RFC 8089). Never touches the disk.
 */
export function parseFileUri(uri: string): Parsed<FilePath> {
  let rest = uri.slice('file:'.length);
  if (rest.startsWith('//')) {
    rest = rest.slice(2);
    if (!rest.startsWith('/')) {
      return bad('no host after `file:`; write `file:relative/path` or `file:///absolute/path`');
    }
  }
  if (/[?#]/.test(rest)) return bad('no `?` or `#`; write `%3F` or `%23` when the name holds one');
  let path: string;
  try {
    path = decodeURIComponent(rest);
  } catch {
    return bad('percent-encoding as in `%20`; write `%25` for a percent sign');
  }
  if (path === '') return bad('a path after `file:`, as in `file:models/sklearn/model.joblib`');
  if (/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u.test(path)) return bad('a path without control characters');
  if (path.includes('\\')) return bad('`/` as separator, not a backslash');
  const normal = posix.normalize(path);
  if (posix.isAbsolute(normal)) return { ok: true, value: { path: normal, absolute: true } };
  if (normal === '..' || normal.startsWith('../')) {
    return bad('a path inside the folder of models.yaml; write `file:///absolute/path` to leave it');
  }
  return { ok: true, value: { path: normal, absolute: false } };
}

/** KServe's form: kserve python/storage, `hf://org/model[:revision]`. */
function checkHub(uri: string): Problem | undefined {
  const part = '[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?';
  return new RegExp(`^hf://${part}/${part}(?::[A-Za-z0-9_][A-Za-z0-9._/-]*)?$`).test(uri) &&
    !uri.includes('..')
    ? undefined
    : { expected: '`hf://org/repo` or `hf://org/repo:revision`' };
}

/**
 * `https://host/path`, or `http://` for this machine alone: no user and password, no `#`, no signature or token in the
 * query (all of it goes into the lock and the image's annotations), and a path that ends with a file's name.
 */
export function parseHttpsUri(uri: string): Parsed<HttpsFile> {
  if (!URL.canParse(uri) || !(/^https:\/\/[^/]/.test(uri) || isLoopbackHttp(uri)))
    return bad('`https://host/path`');
  const url = new URL(uri);
  if (url.username !== '' || url.password !== '')
    return bad('`https://host/path` without user and password: nothing secret belongs in models.yaml');
  if (url.hash !== '' || uri.includes('#')) return bad('`https://host/path` without `#`');
  const secret = [...url.searchParams.keys()].find((name) => secretParameter.test(name));
  if (secret !== undefined) {
    return bad(
      `a URL without a signature or token (\`${secret.slice(0, 40)}\`): it expires, and would end up in the lock and the image`,
    );
  }
  if (url.pathname === '/') return bad('a path after the host, as in `https://host/path`');
  const last = url.pathname.split('/').at(-1) ?? '';
  if (last === '') return bad("a URL that ends with a file's name, not with `/`");
  let name: string;
  try {
    name = decodeURIComponent(last);
  } catch {
    return bad('percent-encoding as in `%20`; write `%25` for a percent sign');
  }
  const problem = name.includes('/') ? 'holds a `/`' : checkPath(name);
  if (problem !== undefined) return bad(`a URL that ends with a file's name; this one's ${problem}`);
  return { ok: true, value: { url, name } };
}

/** Query parameters that give access: of AWS, Google and Azure, and as people call them. */
const secretParameter =
  /^(x-amz-(signature|credential|security-token)|x-goog-(signature|credential)|awsaccesskeyid|googleaccessid|key-pair-id|policy|signature|sig|.*(token|secret|password|passwd|api[-_]?key)|auth|key)$/i;

function isLoopbackHttp(uri: string): boolean {
  if (!uri.startsWith('http://') || !URL.canParse(uri)) return false;
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(uri).hostname);
}

function bad(expected: string, hint = ''): { ok: false; problem: Problem } {
  return { ok: false, problem: { expected, hint } };
}
