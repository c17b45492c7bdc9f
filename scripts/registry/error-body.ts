import { Readable } from 'node:stream';

/** A request body from a stream of bytes; the source is read only as fast as the bytes are sent. */
export function streamBody(bytes: AsyncIterable<Uint8Array>): Readable {
  // The upload gets a failure of the source by itself; this stream may have no other listener once the request has
  // ended.
  return Readable.from(bytes, { objectMode: true, highWaterMark: 1 }).on('error', () => {});
}

/** Characters of an error body that are read for its text. */
const readLength = 8192;

/**
 * The registry's explanation of a failure (distribution-spec, "Error Codes"): codes, and one line of at most 300
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
    // The steps below may take quadratic time, and only 300 characters are shown.
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
      return {
        code: isScalar(code) ? String(code) : 'UNKNOWN',
        message: typeof message === 'string' ? message : '',
      };
    });
  } catch {
    return [];
  }
}

function isScalar(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}
