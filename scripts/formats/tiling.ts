/** Pieces out of order that are held; files that writers make have few. Beyond it, nothing is judged. */
const mostPending = 1_000_000;

/** Whether pieces cover a space of `size` bytes from 0 on, without holes, overlaps and bytes to spare; in any order. */
export class Tiling {
  readonly #size: number;
  /** All bytes before are covered. */
  #covered = 0;
  /** Begin and end of pieces that came before their turn. */
  readonly #pending: [number, number][] = [];
  #furthest = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(begin: number, end: number): void {
    this.#furthest = Math.max(this.#furthest, end);
    // An empty piece may lie anywhere between two others.
    if (begin === end) return;
    if (begin === this.#covered) this.#covered = end;
    else if (this.#pending.length <= mostPending) this.#pending.push([begin, end]);
  }

  /** What is wrong with a file that its tensors should cover so; completes "FILE …". Undefined when nothing is. */
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
