import { BufferPool } from '../../files/buffers.ts';

/**
 * Bytes of the pieces that are given out, which sockets write into. Of one size: buffers of many sizes, each kept for a while, tear
 * so many holes into the heap that it takes three times the memory. Smaller ones cost a push some hundredths of its time.
 */
export const rangeBufferSize = 1024 * 1024;
/** Pieces nobody uses. */
export const rangeBuffers = new BufferPool(rangeBufferSize);

/** Memory that is being filled. */
export interface RangeBuffer {
  bytes: Uint8Array;
  filled: number;
}

/** An empty one for what is left of a range, or as much of it as one takes. */
export function newRangeBuffer(left: number): RangeBuffer {
  return { bytes: rangeBuffers.get(Math.min(rangeBufferSize, left)), filled: 0 };
}

/** What is free of it. */
export function roomOf({ bytes, filled }: RangeBuffer): Uint8Array {
  return bytes.subarray(filled);
}
