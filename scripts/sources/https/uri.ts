import { checkPath } from '../../text/paths.ts';
import type { Parsed } from '../types.ts';

/** A parsed `https://` URI. */
export interface HttpsFile {
  url: URL;
  /** The last component of the path, percent-decoded and checked: the file's path below the source's root. */
  name: string;
}

/**
 * `https://host/path`, or `http://` for this machine only: no user and password, no `#`, no signature or token in the
 * query (all of it goes into the lock and the image's annotations), and a path that ends with a file name.
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

/** Query parameters that grant access: those of AWS, Google and Azure, and common names. */
const secretParameter =
  /^(x-amz-(signature|credential|security-token)|x-goog-(signature|credential)|awsaccesskeyid|googleaccessid|key-pair-id|policy|signature|sig|.*(token|secret|password|passwd|api[-_]?key)|auth|key)$/i;

/** Whether a URI is `http://` to this machine, for tests and port-forwards; any other host needs TLS. */
export function isLoopbackHttp(uri: string): boolean {
  if (!uri.startsWith('http://') || !URL.canParse(uri)) return false;
  return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(uri).hostname);
}

function bad(expected: string): Parsed<never> {
  return { ok: false, problem: { expected } };
}
