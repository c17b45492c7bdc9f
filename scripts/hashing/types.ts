/** The SHA-256 of a stream of bytes. */
export interface StreamHash {
  /**
   * Adds a chunk, whose receiver may recycle it at once. Await the result before the next call, if there is one: the
   * thread that hashes is behind, and chunks that wait for it stay in memory. Fails when that thread has ended.
   */
  update(chunk: Uint8Array): Promise<void> | undefined;
  /**
   * The hash of all chunks, 64 hexadecimal digits; the same however often it is called, and no chunk can follow. Fails when
   * the thread that hashes has ended.
   */
  digest(): Promise<string>;
}
