/** Maximum number of out-of-order ranges held; real writers produce few. Above it, nothing is checked. */
const mostPending = 1_000_000;

/** Checks that ranges, in any order, cover `size` bytes from 0 without holes, overlaps or spare bytes. */
export class Tiling {
  readonly #size: number;
  /** All bytes before this offset are covered. */
  #covered = 0;
  /** Begin and end of ranges that arrived out of order. */
  readonly #pending: [number, number][] = [];
  #furthest = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(begin: number, end: number): void {
    this.#furthest = Math.max(this.#furthest, end);
    // An empty range can be anywhere between two others.
    if (begin === end) return;
    if (begin === this.#covered) this.#covered = end;
    else if (this.#pending.length <= mostPending) this.#pending.push([begin, end]);
  }

  /** The problem of a file whose tensors should cover it; completes "FILE …". Undefined when they do. */
  finish(): string | undefined {
    if (this.#furthest > this.#size)
      return `is truncated: its tensors need ${this.#furthest} bytes, its data has ${this.#size}`;
    if (this.#pending.length > mostPending) return undefined;
    for (const [begin, end] of this.#pending.sort(([a], [b]) => a - b)) {
      if (begin < this.#covered) return `is damaged: two of its tensors overlap at byte ${begin} of its data`;
      if (begin > this.#covered) return hole(this.#covered, begin);
      this.#covered = end;
    }
    return this.#covered < this.#size ? hole(this.#covered, this.#size) : undefined;
  }
}

function hole(begin: number, end: number): string {
  return `is damaged: bytes ${begin} to ${end - 1} of its data belong to no tensor`;
}
