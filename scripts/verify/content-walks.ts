/**
 * Looks at one file's bytes in order, as they are read. Bytes may change after the promise of `push`, if there is one,
 * has resolved.
 */
export interface ContentWalk {
  push(chunk: Uint8Array): Promise<void> | undefined;
  /** Called after the last byte; never for a file whose layer ends early. */
  end(): Promise<void>;
}

/** Opens the walk of a file of `size` bytes, whose `path` is below /models; undefined: nobody needs its bytes. */
export type OpenWalk = (path: string, size: number) => ContentWalk | undefined;

/** Passes the files of one tar to their walks. The tar's parser waits for nothing: its caller awaits `settled`. */
export class ContentWalks {
  readonly #open: OpenWalk;
  #walk: ContentWalk | undefined;
  /** Everything passed so far and not taken yet. */
  #pending: Promise<void> | undefined;

  constructor(open: OpenWalk) {
    this.#open = open;
  }

  begin(path: string, size: number): void {
    this.#walk = this.#open(path, size);
  }

  push(part: Uint8Array): void {
    const walk = this.#walk;
    if (walk === undefined) return;
    const pending = this.#pending;
    const taken = pending === undefined ? walk.push(part) : pending.then(() => walk.push(part));
    if (taken !== undefined) this.#wait(taken);
  }

  /** Ends the current file, if there is one. */
  end(): void {
    const walk = this.#walk;
    this.#walk = undefined;
    if (walk === undefined) return;
    this.#wait(this.#pending === undefined ? walk.end() : this.#pending.then(() => walk.end()));
  }

  /** Resolves when everything passed has been taken; rejects with the first error of a walk. */
  async settled(): Promise<void> {
    while (this.#pending !== undefined) {
      const pending = this.#pending;
      await pending;
      if (this.#pending === pending) this.#pending = undefined;
    }
  }

  #wait(taken: Promise<void>): void {
    taken.catch(() => undefined); // reported by `settled`
    this.#pending = taken;
  }
}
