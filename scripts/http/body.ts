import type { Answer } from './transport.ts';

/** At most `limit` bytes of a body; undefined when it is longer. The connection stays usable only when read whole. */
export async function readBody(answer: Answer, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > limit) {
      drop(answer);
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Lets go of a body nobody wants; a short one is read, so that its connection can be used again. */
export async function discard(answer: Answer): Promise<void> {
  await answer.body.dump({ limit: 64 * 1024 }).catch(() => {});
}

/** Ends a body at once, and its connection with it. */
export function drop(answer: Answer): void {
  // undici's body emits an error when it is ended early; without a listener that would end the process.
  answer.body.on('error', () => {}).destroy();
}

/** A header's first value. */
export function headerOf(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
