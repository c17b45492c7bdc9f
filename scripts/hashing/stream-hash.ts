import { createHash } from 'node:crypto';
import { hashThreads } from './threads.ts';
import type { StreamHash } from './types.ts';

export type { StreamHash } from './types.ts';

/**
 * Starts the SHA-256 of `size` bytes, or undefined if unknown: in a thread if the content is large and the machine has
 * more than two cores, in the calling thread otherwise.
 */
export function streamHash(size: number | undefined): StreamHash {
  return hashThreads.open(size) ?? new LocalHash();
}

/** Hashes in the calling thread. */
class LocalHash implements StreamHash {
  readonly #hash = createHash('sha256');
  #digest: string | undefined;

  update(chunk: Uint8Array): undefined {
    this.#hash.update(chunk);
  }

  async digest(): Promise<string> {
    this.#digest ??= this.#hash.digest('hex');
    return this.#digest;
  }
}
