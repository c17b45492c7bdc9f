import { Pace } from './minimum-pace.ts';
import type { HttpResponse } from './transport.ts';

/** Milliseconds that the rest of an answer nobody wants may take, before its connection goes. */
const discardTime = 2000;
/** Milliseconds for the text of a refusal: it only explains. */
const refusalTime = 5000;

/**
 * At most `limit` bytes of a body; undefined when it is longer. Fails with TooSlow when it trickles. The connection stays usable
 * only when read whole.
 */
export async function readBody(answer: HttpResponse, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  const pace = new Pace();
  let size = 0;
  for await (const chunk of answer.body) {
    pace.count(chunk.length);
    size += chunk.length;
    if (size > limit) {
      drop(answer);
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The first bytes of a body that explains a refusal: up to `limit` of them, of what comes within 5 s. Never fails. */
export async function readRefusal(answer: HttpResponse, limit = 64 * 1024): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => drop(answer), refusalTime);
  try {
    for await (const chunk of answer.body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size < limit) continue;
      drop(answer);
      break;
    }
  } catch {
    // What came before the connection broke, or was ended, will do.
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks, size).subarray(0, limit);
}

/** Lets go of a body nobody wants; a short one is read, so that its connection can be used again. */
export async function discard(answer: HttpResponse): Promise<void> {
  await answer.body.dump({ limit: 64 * 1024, signal: AbortSignal.timeout(discardTime) }).catch(() => {});
}

/** Ends a body at once, and its connection with it. */
export function drop(answer: HttpResponse): void {
  // undici's body emits an error when it is ended early; without a listener that would end the process.
  answer.body.on('error', () => {}).destroy();
}

/** A header's first value. */
export function headerOf(answer: HttpResponse, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
