import { Readable } from 'node:stream';
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

/** Bytes as a request's body; the source is read only as fast as they are sent. */
export function streamBody(bytes: AsyncIterable<Uint8Array>): Readable {
  // A source's failure reaches the upload by itself; nobody may be listening here when the request has ended before.
  return Readable.from(bytes, { objectMode: true, highWaterMark: 1 }).on('error', () => {});
}

/** A header's first value. */
export function headerOf(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * The registry's own words about a failure (distribution-spec, "Error Codes"): codes, and one line of at most 300
 * characters without control characters or URL queries, which may be signatures.
 */
export function readErrors(body: string): { codes: string[]; text: string } {
  const errors = parseErrors(body);
  const codes = errors.map((error) => error.code).filter((code) => /^[A-Z0-9_]{1,64}$/.test(code));
  const said = errors.length
    ? errors
        .map(({ code, message }) => (message && message !== code ? `${code}: ${message}` : code))
        .join('; ')
    : body.replace(/<[^>]*>/g, ' ');
  const text = said
    .replace(/[^\P{C}\t]|\s+/gu, ' ')
    .replace(/(https?:\/\/[^\s?"']*)\?[^\s"']*/g, '$1')
    .trim();
  return { codes, text: text.length > 300 ? `${text.slice(0, 299)}…` : text };
}

function parseErrors(body: string): { code: string; message: string }[] {
  try {
    const parsed = JSON.parse(body);
    const list: unknown[] = Array.isArray(parsed?.errors) ? parsed.errors.slice(0, 5) : [];
    return list.map((entry) => {
      const { code, message } = (entry ?? {}) as { code?: unknown; message?: unknown };
      return { code: String(code ?? 'UNKNOWN'), message: typeof message === 'string' ? message : '' };
    });
  } catch {
    return [];
  }
}
