import { Readable } from 'node:stream';

/** Bytes as a request's body; the source is read only as fast as they are sent. */
export function streamBody(bytes: AsyncIterable<Uint8Array>): Readable {
  // A source's failure reaches the upload by itself; nobody may be listening here when the request has ended before.
  return Readable.from(bytes, { objectMode: true, highWaterMark: 1 }).on('error', () => {});
}

/** Characters of an error's body that are looked at for words. */
const readLength = 8192;

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
    : body.slice(0, readLength).replace(/<[^>]*>/g, ' ');
  const text = said
    // What follows may take time that grows with the square of the length, and 300 characters are shown.
    .slice(0, readLength)
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
