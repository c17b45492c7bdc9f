import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';
import { checkEndpoint } from './uri.ts';

/** Bytes of one JSON response; a page of 1000 files has some 300 KB. */
export const mostPageBytes = 32 * 1024 ** 2;
/** Bytes of all responses of one listing: 100,000 files with long paths. */
const mostBytes = 256 * 1024 ** 2;
/** Pages of one listing; 100 of them hold the most files that a repository may have. */
const mostPages = 2000;

/**
 * Limits on what one listing may cost and where it may lead: every response may claim that there is another page. One
 * object per listing; errors have code `source` and begin with `what`.
 */
export class Pages {
  readonly #what: string;
  readonly #endpoint: URL;
  readonly #seen = new Set<string>();
  #bytes = 0;

  constructor(what: string, endpoint: string) {
    this.#what = what;
    this.#endpoint = new URL(endpoint);
  }

  /** Call with the URL of each request before sending it. */
  enter(url: URL): void {
    if (this.#seen.has(url.href)) throw this.#fail('lists the same page of files again and again');
    if (this.#seen.size >= mostPages) throw this.#fail(`lists its files on more than ${mostPages} pages`);
    this.#seen.add(url.href);
  }

  /** Call with the size of each response. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > mostBytes)
      throw this.#fail(`lists its files in more than ${mostBytes / 1024 ** 2} MiB of answers`);
  }

  /**
   * The Link header (RFC 8288) of the next page, with an absolute URL, as the hub's library requires: a relative one
   * would end the list too early. Empty if there is no next page. The next page must be on the endpoint's host, or on
   * that of `base` where a mirror redirected the request there (without the token); where a
   * proxy before the hub terminates TLS, and the hub therefore names itself with http, the link keeps https.
   */
  nextLink(link: string | undefined, base: URL): string {
    const next = /<([^>]+)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '')?.[1];
    if (next === undefined) return '';
    if (!URL.canParse(next, base.href)) throw this.#fail('continues its list of files at what is no URL');
    const url = new URL(next, base);
    const { protocol, hostname, host, origin } = this.#endpoint;
    if (protocol === 'https:' && url.protocol === 'http:' && url.hostname === hostname) {
      url.protocol = protocol;
      url.host = host;
    }
    if (url.origin !== origin && url.origin !== base.origin)
      throw this.#fail(`continues its list of files on ${plain(url.origin)}`);
    return `<${url}>; rel="next"`;
  }

  #fail(problem: string): ModelcarsError {
    return new ModelcarsError('source', `${this.#what}: the hub ${problem}`, {
      next: checkEndpoint(this.#endpoint.href),
    });
  }
}
