import { streamBufferSize, streamBuffers } from '../../memory/stream-buffers.ts';

/** A chunk of a range that is being filled, by the socket itself where it can write into `room`. */
export class PartialChunk {
  readonly bytes: Uint8Array;
  #filled = 0;

  /** For the `left` bytes of a range, or for as many of them as a chunk can have. */
  constructor(left: number) {
    this.bytes = streamBuffers.take(Math.min(streamBufferSize, left));
  }

  /** The part without bytes. */
  get room(): Uint8Array {
    return this.bytes.subarray(this.#filled);
  }

  get isFull(): boolean {
    return this.#filled === this.bytes.length;
  }

  /** Takes as many bytes as fit, copying them unless they are in `room` already; returns their number. */
  take(bytes: Uint8Array): number {
    const { room } = this;
    const taken = bytes.subarray(0, room.length);
    const isThere = taken.buffer === room.buffer && taken.byteOffset === room.byteOffset;
    if (!isThere) room.set(taken);
    this.#filled += taken.length;
    return taken.length;
  }
}
