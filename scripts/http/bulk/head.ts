/** The head of an HTTP/1.1 response. */
export interface ResponseHead {
  status: number;
  /** Names in lower case; values of one name are joined by ", ". */
  headers: Readonly<Record<string, string>>;
  /**
   * Bytes of the body; undefined when Content-Length does not determine its end, or when a content coding changes its
   * bytes.
   */
  length: number | undefined;
  /** Whether the connection can be reused after the body. */
  keepAlive: boolean;
}

/**
 * Parses a response's head, without the empty line at its end (RFC 9112). Undefined for a head that is invalid or not
 * to be trusted: folded lines, a space before a colon, lengths that contradict each other.
 */
export function parseHead(text: string): ResponseHead | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, status] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/.exec(first) ?? [];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    const [, name, text] = /^([!#$%&'*+.^_`|~\w-]+):(.*)$/s.exec(line) ?? [];
    if (name === undefined || text === undefined || /[\r\n\0]/.test(text)) return undefined;
    const key = name.toLowerCase();
    const value = text.trim();
    const before = headers[key];
    headers[key] = before === undefined ? value : `${before}, ${value}`;
  }
  const length = contentLength(headers['content-length']);
  if (length === null) return undefined;
  const coded = headers['transfer-encoding'] !== undefined || !isPlain(headers['content-encoding']);
  const options = (headers.connection ?? '').toLowerCase();
  return {
    status: Number(status),
    headers,
    length: hasNoBody(Number(status)) ? 0 : coded ? undefined : length,
    keepAlive: minor === '1' && !/\bclose\b/.test(options),
  };
}

/** Null for an invalid length. Several equal lengths count as one (RFC 9110 section 8.6). */
function contentLength(value: string | undefined): number | undefined | null {
  if (value === undefined) return undefined;
  const [first, ...others] = value.split(',').map((one) => one.trim());
  if (first === undefined || !/^\d{1,15}$/.test(first) || others.some((other) => other !== first))
    return null;
  return Number(first);
}

/** Whether a response ends with its head, whatever body its headers announce (RFC 9112 section 6.3). */
function hasNoBody(status: number): boolean {
  return status === 204 || status === 304;
}

function isPlain(coding: string | undefined): boolean {
  return coding === undefined || coding.toLowerCase() === 'identity';
}
