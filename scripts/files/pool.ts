/** Buffers of one size that are used again and again: a new one for each use costs page faults and garbage collection. */
export class BufferPool {
  readonly #size: number;
  readonly #free: ArrayBufferLike[] = [];

  /** `size` of a buffer in bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  /** A buffer of `length` bytes, at most the pool's size, with whatever it held before. */
  get(length: number): Buffer {
    const bytes = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size).buffer;
    return Buffer.from(bytes, 0, length);
  }

  /** Takes back what `get` gave; nobody may look at it any more. */
  put(buffer: Uint8Array | undefined): void {
    if (buffer?.buffer.byteLength === this.#size) this.#free.push(buffer.buffer);
  }
}
