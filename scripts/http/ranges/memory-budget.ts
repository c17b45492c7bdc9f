/** Bytes that may wait in memory, over everything that is read at the same time. First come, first served. */
export class MemoryBudget {
  #free: number;
  readonly #size: number;
  readonly #waiting: { bytes: number; grant: () => void }[] = [];

  constructor(bytes: number) {
    this.#free = bytes;
    this.#size = bytes;
  }

  /** Bytes nobody has taken. */
  get free(): number {
    return this.#free;
  }

  /**
   * Asks for bytes; `grant` is called once, at once or when it is their turn. Returns a function that withdraws the
   * question, without effect after the grant. One that is larger than the whole budget is never answered, and in nobody's way.
   */
  ask(bytes: number, grant: () => void): () => void {
    if (bytes > this.#size) return () => {};
    const entry = { bytes, grant };
    this.#waiting.push(entry);
    this.#serve();
    return () => {
      const at = this.#waiting.indexOf(entry);
      if (at === -1) return;
      this.#waiting.splice(at, 1);
      this.#serve();
    };
  }

  /** Gives bytes back. */
  release(bytes: number): void {
    this.#free += bytes;
    this.#serve();
  }

  #serve(): void {
    for (
      let [first] = this.#waiting;
      first !== undefined && first.bytes <= this.#free;
      [first] = this.#waiting
    ) {
      this.#waiting.shift();
      this.#free -= first.bytes;
      first.grant();
    }
  }
}
