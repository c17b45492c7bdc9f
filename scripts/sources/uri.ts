import { posix } from 'node:path';
import { nearest } from '../catalog/words.ts';

/** Schemes a source may have; the second kind is read by rooms still to come. */
export const schemes = ['file', 'hf', 'https', 's3'] as const;
export type Scheme = (typeof schemes)[number];

/** A `file:` URI taken apart. */
export interface FilePath {
  /** Percent-decoded; normalised, so that a relative one holds no `..`. */
  path: string;
  absolute: boolean;
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
  if (scheme.value === 's3') {
    return /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[^\s?#]*)?$/.test(uri)
      ? undefined
      : { expected: '`s3://bucket/prefix`, the bucket 3 to 63 lower-case letters, digits, `.` and `-`' };
  }
  return checkHttps(uri);
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

function checkHttps(uri: string): Problem | undefined {
  if (!URL.canParse(uri) || !/^https:\/\/[^/]/.test(uri)) return { expected: '`https://host/path`' };
  const url = new URL(uri);
  if (url.username !== '' || url.password !== '') {
    return { expected: '`https://host/path` without user and password (those come from the environment)' };
  }
  if (url.hash !== '') return { expected: '`https://host/path` without `#`' };
  return url.pathname === '/' ? { expected: 'a path after the host, as in `https://host/path`' } : undefined;
}

function bad(expected: string, hint = ''): { ok: false; problem: Problem } {
  return { ok: false, problem: { expected, hint } };
}
