import { ModelcarsError } from '../../errors.ts';

/** Page limit per listing: 100,000 objects fill 100 pages, or a thousand from a server with small pages. */
const mostPages = 1000;
/** Object limit per listing, including folder markers and objects that are not chosen. */
const mostObjects = 200_000;

/**
 * Bounds one listing, since each page can claim that another follows. Errors have code `source`, begin with `what` and end
 * with `next`.
 */
export class ListingLimits {
  readonly #what: string;
  readonly #next: string;
  readonly #tokens = new Set<string>();
  #objects = 0;

  constructor(what: string, next: string) {
    this.#what = what;
    this.#next = next;
  }

  /** Call for each object before using it. Returns its size in bytes, 0 where the server omits it. */
  object(key: string, size: number | undefined, prefix: string): number {
    if (++this.#objects > mostObjects) throw this.#fail(`the server lists more than ${mostObjects} objects`);
    if (!key.startsWith(prefix))
      throw this.#fail('the server lists objects that do not begin with the prefix');
    const bytes = size ?? 0;
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw this.#fail('the server lists an object with an invalid size');
    return bytes;
  }

  /** The token of the next page; undefined after the last. */
  next(isTruncated: boolean | undefined, token: string | undefined): string | undefined {
    if (isTruncated !== true) return undefined;
    // Stopping here would treat some of the objects as all of them.
    if (!token) throw this.#fail('the server says that more objects follow, but not where');
    if (this.#tokens.has(token)) throw this.#fail('the server sends the same page again and again');
    if (this.#tokens.size >= mostPages - 1)
      throw this.#fail(`the server has more than ${mostPages} pages of objects`);
    this.#tokens.add(token);
    return token;
  }

  /** The error for a response that is not a listing. */
  foreign(host: string): ModelcarsError {
    return this.#fail(`the response of ${host} is not a list of objects`);
  }

  #fail(problem: string): ModelcarsError {
    return new ModelcarsError('source', `${this.#what}: ${problem}`, {
      next: this.#next,
    });
  }
}
