import { recycle } from '../../memory/stream-buffers.ts';

/** Newest chunks that the `Readable` over the body's generator may not have written to the socket yet. */
const heldByReadable = 2;
/**
 * Bytes. A socket with as many in its queue is not written to until all of them have left: 64 KiB in Node
 * (`getDefaultHighWaterMark`), and more here, to be safe.
 */
const socketMark = 256 * 1024;

/**
 * The chunks of a request's body that may be in this process still. No event says that a socket has passed a chunk to the
 * system. But a chunk in its queue is followed by others only until there are `socketMark` bytes: when a chunk was written
 * although it and its followers had as many, they had all left.
 */
export class UnsentChunks {
  readonly #chunks: Uint8Array[] = [];

  /** Adds the newest chunk, and recycles those that have left by now. Call when the next one is asked for. */
  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    const newestWritten = this.#chunks.length - 1 - heldByReadable;
    let queued = 0;
    for (let at = newestWritten - 1; at >= 0; at--) {
      queued += this.#chunks[at]?.length ?? 0;
      if (queued < socketMark) continue;
      for (const gone of this.#chunks.splice(0, at + 1)) recycle(gone);
      return;
    }
  }

  /** Recycles all chunks, after the whole body was sent and answered. */
  allSent(): void {
    for (const chunk of this.#chunks.splice(0)) recycle(chunk);
  }
}
