import { MemoryBudget } from './budget.ts';
import { PartMemory } from './part-memory.ts';

/** What a process does with its memory: make and send images, or copy files to a bucket. */
export type MemoryUse = 'images' | 'bucket';

/** Bytes that a process stays within by default, and the fewest that it can be given. */
export const defaultMaxMemory = 200e6;
export const leastMaxMemory = 128e6;

const mebibyte = 1024 ** 2;

/**
 * Bytes that a process needs besides the shares below: Node and its code (of which 54 MB are pages of Node's file), the
 * heap, and about six chunks in flight for each of four streams. Measured on 2026-11-29: docs/internals/performance.md.
 */
const needed = { images: 166e6, bucket: 144e6 };
/** One range of a hub; without a share at all, ranges are read one after the other. */
const leastReadAhead = 4 * mebibyte;
/** One part of an upload, unless the file has larger ones. */
const leastParts = 8 * mebibyte;

const initial = sharesOf(defaultMaxMemory, 'images');
/** Memory for ranges read ahead, shared by all files of this process. */
export const readAhead = new MemoryBudget(initial.readAhead);
/** Memory for the parts of uploads to a bucket, shared by all files of this process. */
export const partMemory = new PartMemory(initial.parts);
let streams = initial.streams;
let whole = defaultMaxMemory;

/** Layers read or sent at the same time, over all models. */
export function parallelStreams(): number {
  return streams;
}

/** Bytes that this process stays within. */
export function maxMemory(): number {
  return whole;
}

/** Divides `limit` bytes, at least `leastMaxMemory`. Call it before anything is read. */
export function shareMemory(limit: number, use: MemoryUse): void {
  const shares = sharesOf(limit, use);
  readAhead.resize(shares.readAhead);
  partMemory.resize(shares.parts);
  streams = shares.streams;
  whole = limit;
}

/** Bytes read ahead and in parts of uploads, and parallel streams, for a process that stays within `limit` bytes. */
export function sharesOf(
  limit: number,
  use: MemoryUse,
): { readAhead: number; parts: number; streams: number } {
  const free = Math.max(0, limit - needed[use]);
  // Parts hold what was read: they need the memory more than ranges do.
  const parts = use === 'bucket' ? Math.max(leastParts, (2 / 3) * free) : leastParts;
  const ahead = use === 'bucket' ? free / 3 : free;
  return {
    readAhead: Math.floor(Math.max(leastReadAhead, ahead)),
    parts: Math.floor(parts),
    streams: free > 0 ? 4 : 1,
  };
}
