/** The head of an HTTP/1.1 answer. */
export interface Head {
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
export function parseHead(text: string): Head | undefined {
  const [first = '', ...lines] = text.split('\r\n');
  const [, minor, status] = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/.exec(first) ?? [];
  if (status === undefined) return undefined;
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined || value === undefined || /[\r\n\0]/.test(value)) return undefined;
    const key = name.toLowerCase();
    const before = Object.hasOwn(headers, key) ? headers[key] : undefined;
    headers[key] = before === undefined ? value : `${before}, ${value}`;
  }
  const length = contentLength(headers['content-length']);
  if (length === null) return undefined;
  const coded = headers['transfer-encoding'] !== undefined || !isPlain(headers['content-encoding']);
  const options = (headers.connection ?? '').toLowerCase();
  return {
    status: Number(status),
    headers,
    length: coded ? undefined : length,
    keepAlive: minor === '1' && !/\bclose\b/.test(options),
  };
}

/** Null when it is no length. Several equal ones count as one (RFC 9110 section 8.6). */
function contentLength(value: string | undefined): number | undefined | null {
  if (value === undefined) return undefined;
  const [first, ...others] = value.split(/ *, */);
  if (first === undefined || !/^\d{1,15}$/.test(first) || others.some((other) => other !== first))
    return null;
  return Number(first);
}

function isPlain(coding: string | undefined): boolean {
  return coding === undefined || coding.toLowerCase() === 'identity';
}
