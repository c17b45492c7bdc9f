import { ModelcarsError } from '../../errors.ts';

/** Pages of one listing: those of 100,000 objects are 100, from a server with small pages a thousand. */
const mostPages = 1000;
/** Objects of one listing, folder markers and what is not chosen included. */
const mostObjects = 200_000;

/** What one listing may cost: each page is a server's claim that there are more. Errors have code `source` and begin with `what`. */
export class ListingLimits {
  readonly #what: string;
  readonly #tokens = new Set<string>();
  #objects = 0;

  constructor(what: string) {
    this.#what = what;
  }

  /** To be called for each object before it is used. Returns its size in bytes, 0 where a server leaves it out. */
  object(key: string, size: number | undefined, prefix: string): number {
    if (++this.#objects > mostObjects) throw this.#fail(`the server lists more than ${mostObjects} objects`);
    if (!key.startsWith(prefix))
      throw this.#fail('the server lists objects that do not begin with the prefix');
    const bytes = size ?? 0;
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw this.#fail('the server lists an object with a size that is none');
    return bytes;
  }

  /** The token of the page after this one; undefined for the last. */
  next(isTruncated: boolean | undefined, token: string | undefined): string | undefined {
    if (isTruncated !== true) return undefined;
    // Stopping here would take a part of the objects for all of them.
    if (!token) throw this.#fail('the server says that there are more objects, and not where');
    if (this.#tokens.has(token)) throw this.#fail('the server sends the same page again and again');
    if (this.#tokens.size >= mostPages - 1)
      throw this.#fail(`the server has more than ${mostPages} pages of objects`);
    this.#tokens.add(token);
    return token;
  }

  /** The error of an answer that is no listing. */
  foreign(host: string): ModelcarsError {
    return this.#fail(`what ${host} answered is no list of objects`);
  }

  #fail(problem: string): ModelcarsError {
    return new ModelcarsError('source', `${this.#what}: ${problem}`, {
      next: 'check the endpoint (S3_ENDPOINT_URL), and that the prefix is that of the model itself',
    });
  }
}
