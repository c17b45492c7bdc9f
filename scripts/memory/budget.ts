/** A limit on the bytes waiting in memory, shared by all concurrent reads. First come, first served. */
export class MemoryBudget {
  #free: number;
  #size: number;
  readonly #waiting: { bytes: number; grant: () => void }[] = [];

  constructor(bytes: number) {
    this.#free = bytes;
    this.#size = bytes;
  }

  /** All bytes that can be granted. */
  get size(): number {
    return this.#size;
  }

  /** Changes the size; what has been granted stays granted. */
  resize(bytes: number): void {
    this.#free += bytes - this.#size;
    this.#size = bytes;
    this.#serve();
  }

  /** Bytes not granted. */
  get free(): number {
    return this.#free;
  }

  /**
   * Requests bytes; `grant` is called once, immediately or in turn. Returns a function that withdraws the request,
   * without effect after the grant. A request larger than the whole budget is never granted, and blocks no other.
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

  /** Releases granted bytes. */
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
