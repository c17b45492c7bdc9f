import { streamHash } from '../hashing/stream-hash.ts';
import type { Content, Digest } from '../image/types.ts';
import { recycle } from '../memory/stream-buffers.ts';

/** Reads content once; returns its digest and size. `onBytes` counts what is read, where its size is known before. */
export async function hashContent(
  content: Content,
  signal: AbortSignal,
  onBytes: (count: number) => void = () => {},
): Promise<{ digest: Digest; size: number }> {
  const hash = streamHash(content.size);
  let size = 0;
  for await (const chunk of content.open(0, signal)) {
    const behind = hash.update(chunk);
    if (behind) await behind;
    size += chunk.length;
    onBytes(content.size === undefined ? 0 : chunk.length);
    recycle(chunk);
  }
  return { digest: `sha256:${await hash.digest()}`, size };
}
