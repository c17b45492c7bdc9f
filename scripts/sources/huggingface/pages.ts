import { ModelcarsError } from '../../errors.ts';
import { plain } from '../../text/format.ts';

/** Bytes of one JSON answer; a page of 1000 files has some 300 KB. */
export const mostPageBytes = 32 * 1024 ** 2;
/** Bytes of all answers of one listing: 100,000 files with long paths. */
const mostBytes = 256 * 1024 ** 2;
/** Pages of one listing; 100 of them hold the files that a repository may have. */
const mostPages = 2000;

/**
 * What one listing may cost and where it may lead: each answer is a hub's claim that there is more to ask for. One object for
 * each listing; errors have code `source` and begin with `what`.
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

  /** To be called with the URL of each request before it is sent. */
  enter(url: URL): void {
    if (this.#seen.has(url.href)) throw this.#fail('lists the same page of files again and again');
    if (this.#seen.size >= mostPages) throw this.#fail(`lists its files on more than ${mostPages} pages`);
    this.#seen.add(url.href);
  }

  /** To be called with the size of each answer. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > mostBytes)
      throw this.#fail(`lists its files in more than ${mostBytes / 1024 ** 2} MiB of answers`);
  }

  /**
   * The Link header (RFC 8288) that leads to the next page, with an absolute URL, as the hub's library wants it: a relative one
   * would end the list too early. Empty where there is none. The next page must be on the endpoint's host; where a proxy
   * before the hub ends TLS, and the hub names its own host with http, https stays.
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
    if (url.origin !== origin) throw this.#fail(`continues its list of files on ${plain(url.origin)}`);
    return `<${url}>; rel="next"`;
  }

  #fail(problem: string): ModelcarsError {
    return new ModelcarsError('source', `${this.#what}: the hub ${problem}`, {
      next: 'check HF_ENDPOINT: is it a Hugging Face hub?',
    });
  }
}
