/** Number of a stream, its next chunks, and whether it ends with them. */
export type HashRequest = [stream: number, chunks: Uint8Array[], last: boolean];

/**
 * The code of a thread that hashes. Runs as the text of this function alone, so it uses nothing outside of it. Answers each
 * request when its chunks were read: with the digest in hexadecimal at a stream's end, with nothing before.
 */
export function hashInThread(): void {
  const { createHash } = process.getBuiltinModule('node:crypto');
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  const hashes = new Map<number, ReturnType<typeof createHash>>();
  parentPort?.on('message', ([stream, chunks, last]: HashRequest) => {
    const hash = hashes.get(stream) ?? createHash('sha256');
    for (const chunk of chunks) hash.update(chunk);
    if (last) hashes.delete(stream);
    else hashes.set(stream, hash);
    parentPort.postMessage(last ? hash.digest('hex') : undefined);
  });
}
