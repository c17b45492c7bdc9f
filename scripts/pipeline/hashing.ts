import { createHash } from 'node:crypto';
import type { Sink } from '../image/types.ts';

/** A sink that keeps nothing: it tells what digest an image would have. */
export function hashingSink(): Sink {
  return {
    has: async () => false,
    async write(content, options = {}) {
      const hash = createHash('sha256');
      let size = 0;
      for await (const chunk of content.open(0, options.signal)) {
        hash.update(chunk);
        size += chunk.length;
        options.onBytes?.(chunk.length);
      }
      return { mediaType: content.mediaType, digest: `sha256:${hash.digest('hex')}`, size };
    },
    tag: async () => undefined,
  };
}
