/** Milliseconds before the rate counts: a server may think, and a connection may begin slowly. */
const grace = 20_000;
/** Bytes a second, on average since the first one was waited for. */
const lowestRate = 4096;

/** A small document arrives too slowly to wait for. */
export class TooSlow extends Error {
  constructor(bytes: number, milliseconds: number) {
    super(`${bytes} bytes in ${Math.round(milliseconds / 1000)} s`);
  }
}

/**
 * Watches how fast a small document (manifest, listing, token) comes: after 20 s it must have brought 4 KiB a second. Silence
 * is no concern of this: connections have a limit for it.
 */
export class Pace {
  readonly #now: () => number;
  readonly #start: number;
  #bytes = 0;
  #slow = false;

  /** `now` is a clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#start = now();
  }

  /** Counts bytes that have come. Throws TooSlow at the next ones after the rate was too low, as those before may have been the last. */
  count(bytes: number): void {
    const taken = this.#now() - this.#start;
    if (this.#slow) throw new TooSlow(this.#bytes, taken);
    this.#bytes += bytes;
    this.#slow = taken > grace && this.#bytes < (taken / 1000) * lowestRate;
  }
}
