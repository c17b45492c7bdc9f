/** The CDN behind the hub: signed URLs that expire, ranges, and an error for any Authorization header. */
import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Blob } from './hub-content.ts';
import { type Fault, sendBody } from './hub-faults.ts';

/** RFC 9110 section 14.2: the single requested range; `none` for the whole file, `bad` for an unsatisfiable range. */
export function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'none' | 'bad' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return 'none';
  if (match[1] === '') {
    const last = Number(match[2]);
    return last === 0 || size === 0 ? 'bad' : { start: Math.max(0, size - last), end: size };
  }
  const start = Number(match[1]);
  const end = match[2] === '' ? size : Math.min(Number(match[2]) + 1, size);
  return start >= size || end <= start ? 'bad' : { start, end };
}

/** Sends a blob or the requested range of it. Returns the status and the number of bytes sent. */
export async function sendBlob(
  request: IncomingMessage,
  response: ServerResponse,
  blob: Blob,
  options: { headers: Record<string, string>; rate: number | undefined; fault: Fault | undefined },
): Promise<number> {
  const range = options.fault?.kind === 'whole' ? 'none' : rangeOf(request.headers.range, blob.size);
  if (range === 'bad') {
    response.writeHead(416, { 'content-range': `bytes */${blob.size}`, 'content-length': 0 }).end();
    return 0;
  }
  const { start, end } = range === 'none' ? { start: 0, end: blob.size } : range;
  const cut = options.fault?.kind === 'truncate';
  response.writeHead(range === 'none' ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    ...(!cut && { 'content-length': end - start }),
    ...(range !== 'none' && { 'content-range': `bytes ${start}-${end - 1}/${blob.size}` }),
    ...options.headers,
  });
  if (request.method === 'HEAD') {
    response.end();
    return 0;
  }
  return await sendBody(response, blob.read(start, end), options.rate, options.fault);
}

/** Signs URLs as S3 does: a date, a lifetime in seconds, and a signature over both and the path. */
export class Signer {
  readonly #key = randomBytes(32);
  /** Seconds. */
  readonly lifetime: number;

  constructor(lifetime: number) {
    this.lifetime = lifetime;
  }

  sign(path: string, now = Date.now()): string {
    const date = new Date(now).toISOString();
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=${encodeURIComponent(date)}&X-Amz-Expires=${this.lifetime}`;
    return `${path}?${query}&X-Amz-Signature=${this.#signature(`${path}?${query}`)}`;
  }

  /** The problem with a URL's signature; undefined if it is valid. */
  problem(target: string, now = Date.now()): string | undefined {
    const [signed = '', signature] = target.split('&X-Amz-Signature=');
    if (signature !== this.#signature(signed)) return 'SignatureDoesNotMatch';
    const query = new URL(signed, 'http://cdn').searchParams;
    const end = Date.parse(query.get('X-Amz-Date') ?? '') + Number(query.get('X-Amz-Expires')) * 1000;
    return now < end ? undefined : 'Request has expired';
  }

  #signature(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('hex');
  }
}

/** S3's form of an error. */
export function refuseXml(response: ServerResponse, status: number, code: string, message: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  response.writeHead(status, {
    'content-type': 'application/xml',
    'content-length': Buffer.byteLength(body),
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
