import { createHash } from 'node:crypto';
import type { Content, Digest } from '../image/types.ts';

/** Reads content once; returns its digest and size. `onBytes` counts what is read, where its size is known before. */
export async function hashContent(
  content: Content,
  signal: AbortSignal,
  onBytes: (count: number) => void = () => {},
): Promise<{ digest: Digest; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of content.open(0, signal)) {
    hash.update(chunk);
    size += chunk.length;
    onBytes(content.size === undefined ? 0 : chunk.length);
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}
