import type { LentMemory } from '../memory/part-memory.ts';
import { partMemory } from '../memory/shares.ts';
import { recycle } from '../memory/stream-buffers.ts';

/** A part of a file, in memory that is returned after its only use. */
export interface Part {
  /** From 1. */
  number: number;
  /** Passes the bytes to `send`, which may read them until its promise settles. Call it once. */
  use<T>(send: (bytes: Uint8Array) => Promise<T>): Promise<T>;
}

/**
 * Cuts a file of `size` bytes into parts of `partSize`, the last one shorter; an empty file is one empty part. Each part
 * waits for its memory, the first one before the file is opened. `onBytes` counts the bytes read.
 */
export async function* inParts(
  open: () => AsyncIterable<Uint8Array>,
  size: number,
  partSize: number,
  signal: AbortSignal,
  onBytes: (count: number) => void,
): AsyncGenerator<Part> {
  const sizeOf = (number: number) => Math.min(partSize, size - (number - 1) * partSize);
  let number = 1;
  let memory: LentMemory | undefined = await partMemory.lend(sizeOf(number), partSize, signal);
  let filled = 0;
  try {
    for await (const chunk of open()) {
      signal.throwIfAborted();
      onBytes(chunk.length);
      for (let rest = chunk; rest.length > 0; ) {
        memory ??= await partMemory.lend(sizeOf(number), partSize, signal);
        const taken = rest.subarray(0, memory.bytes.length - filled);
        memory.bytes.set(taken, filled);
        filled += taken.length;
        rest = rest.subarray(taken.length);
        if (filled < memory.bytes.length) continue;
        const full = memory;
        memory = undefined;
        filled = 0;
        yield partOf(number++, full);
      }
      recycle(chunk);
    }
    if (size === 0 && memory !== undefined) {
      const empty = memory;
      memory = undefined;
      yield partOf(number, empty);
    }
  } finally {
    memory?.release();
  }
}

function partOf(number: number, memory: LentMemory): Part {
  return {
    number,
    async use(send) {
      try {
        const result = await send(memory.bytes);
        memory.release();
        return result;
      } catch (error) {
        // A request that failed may leave the bytes in the queue of a socket.
        memory.drop();
        throw error;
      }
    },
  };
}
