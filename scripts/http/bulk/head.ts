/** The head of an HTTP/1.1 answer. */
export interface ResponseHead {
  status: number;
  /** Names in lower case; several of one name are joined by ", ". */
  headers: Readonly<Record<string, string>>;
  /** Bytes of the body; undefined when its end is told in another way, or its bytes are not the file's (a content coding). */
  length: number | undefined;
  /** Whether the connection may be used again after the body. */
  keepAlive: boolean;
}

/**
 * Reads an answer's head, without the empty line at its end (RFC 9112). Undefined for what is none, or not to be trusted: folded
 * lines, a space before a colon, lengths that contradict each other.
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

/** Null when it is no length. Several equal ones count as one (RFC 9110 section 8.6). */
function contentLength(value: string | undefined): number | undefined | null {
  if (value === undefined) return undefined;
  const [first, ...others] = value.split(',').map((one) => one.trim());
  if (first === undefined || !/^\d{1,15}$/.test(first) || others.some((other) => other !== first))
    return null;
  return Number(first);
}

/** Whether an answer ends with its head, whatever that says of a body (RFC 9112 section 6.3). */
function hasNoBody(status: number): boolean {
  return status === 204 || status === 304;
}

function isPlain(coding: string | undefined): boolean {
  return coding === undefined || coding.toLowerCase() === 'identity';
}
