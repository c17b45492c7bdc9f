/** Milliseconds before the rate is checked: a server may need time to prepare, and a connection may start slowly. */
const grace = 20_000;
/** Bytes per second, averaged from the start of the wait for the first one. */
const lowestRate = 4096;

/** A small document arrives too slowly to wait for. */
export class TooSlow extends Error {
  constructor(bytes: number, milliseconds: number) {
    super(`${bytes} bytes in ${Math.round(milliseconds / 1000)} s`);
  }
}

/**
 * Checks the rate of a small document (manifest, listing, token): at least 4 KiB/s on average after 20 s. Silence is
 * not checked here: connections have a timeout for it.
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

  /**
   * Counts received bytes. Throws TooSlow only at the next bytes after the rate was too low, because the previous ones
   * may have been the last.
   */
  count(bytes: number): void {
    const taken = this.#now() - this.#start;
    if (this.#slow) throw new TooSlow(this.#bytes, taken);
    this.#bytes += bytes;
    this.#slow = taken > grace && this.#bytes < (taken / 1000) * lowestRate;
  }
}
