import { posix } from 'node:path';
import type { Parsed } from '../types.ts';

/** A parsed `file:` URI. */
export interface FilePath {
  /** Percent-decoded and normalised, so that a relative path contains no `..`. */
  path: string;
  absolute: boolean;
}

/**
 * `file:relative/path` (from the catalog's folder, which it must not leave) or `file:///absolute/path`, percent-decoded
 * (RFC 8089). Examines only the text.
 */
export function parseFileUri(uri: string): Parsed<FilePath> {
  if (!uri.startsWith('file:')) return bad('`file:path`');
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

/** A path with the characters escaped that a `file:` URI does not have: `%20` for a space. */
export function encodePath(path: string): string {
  return path.replaceAll(/[%?#\s]/g, encodeURIComponent);
}

function bad(expected: string): Parsed<never> {
  return { ok: false, problem: { expected } };
}
