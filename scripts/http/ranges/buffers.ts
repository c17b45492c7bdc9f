import { BufferPool } from '../../files/buffers.ts';

/**
 * Bytes of a range buffer, which sockets write into. All have one size: buffers of many sizes, each kept for a while,
 * fragment the heap until it takes three times the memory. Smaller buffers slow down a push by a few percent.
 */
export const rangeBufferSize = 1024 * 1024;
/** Unused range buffers. */
export const rangeBuffers = new BufferPool(rangeBufferSize);

/** A buffer being filled. */
export interface RangeBuffer {
  bytes: Uint8Array;
  filled: number;
}

/** An empty buffer for the rest of a range, or for as much of it as one buffer holds. */
export function newRangeBuffer(left: number): RangeBuffer {
  return { bytes: rangeBuffers.get(Math.min(rangeBufferSize, left)), filled: 0 };
}

/** The free part of a buffer. */
export function roomOf({ bytes, filled }: RangeBuffer): Uint8Array {
  return bytes.subarray(filled);
}
