import { Pace } from './minimum-pace.ts';
import type { HttpResponse } from './transport.ts';

/** Milliseconds to read the rest of an unwanted body before its connection is closed. */
const discardTime = 2000;
/** Milliseconds to read the body of a refusal, which only explains it. */
const refusalTime = 5000;

/**
 * Reads a body of at most `limit` bytes; undefined when it is longer. Fails with TooSlow when it trickles. The
 * connection can be reused only if the body was read completely.
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

/** Reads the first `limit` bytes of a body that explains a refusal, as far as they arrive within 5 s. Never fails. */
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
    // The bytes received before the connection broke or was ended are enough.
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks, size).subarray(0, limit);
}

/** Discards an unwanted body. A short one is read to its end, so that its connection can be reused. */
export async function discard(answer: HttpResponse): Promise<void> {
  await answer.body.dump({ limit: 64 * 1024, signal: AbortSignal.timeout(discardTime) }).catch(() => {});
}

/** Ends a body immediately and closes its connection. */
export function drop(answer: HttpResponse): void {
  // undici's body emits an error when it is ended early; without a listener, that would end the process.
  answer.body.on('error', () => {}).destroy();
}

/** The first value of a header. */
export function headerOf(answer: HttpResponse, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
