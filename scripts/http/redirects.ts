import type { Readable } from 'node:stream';
import type { ErrorCode } from '../errors.ts';
import { cancelled } from '../errors.ts';
import { discard, headerOf } from './body.ts';
import { type Advice, networkFailure, RequestFailure } from './failure.ts';
import type { HttpResponse, Transport } from './transport.ts';

/** One request including its redirects, after authentication and before retries. */
export interface WireRequest {
  /** Start of error messages. */
  what: string;
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** `authorization` is sent to the first origin only. */
  headers: Record<string, string>;
  body?: Uint8Array | undefined;
  /** A body that can be sent only once. */
  stream?: (() => Readable) | undefined;
  signal?: AbortSignal | undefined;
  headersTimeout: number;
  /** Next steps for a request without a response; `usualAdvice` by default. */
  advice?: Advice;
  /** The error code of an invalid redirect; `source` by default. */
  code?: ErrorCode;
  /** Whether plain http is allowed for a URL. */
  mayBePlain(url: URL): boolean;
  /** The URL that pointed to the first URL, when the user did not give it; see `HttpRequest.sender`. */
  sender?: URL | undefined;
  /** Whether the user named the host of a URL, so that a redirect may lead there even at a private address. */
  isNamed?(url: URL): boolean;
}

const redirects = 5;

/**
 * Sends a request and follows at most five redirects: registries redirect blob reads to object storage, which must not
 * see the credentials. Returns the response with its final URL. Fails with a RequestFailure when no response arrives,
 * or when a redirect leaves TLS or leads from a public host to a private address.
 */
export async function transmit(
  transport: Pick<Transport, 'send'>,
  start: URL,
  request: WireRequest,
): Promise<{ answer: HttpResponse; status: number; url: URL }> {
  const { what, method, body, stream, signal, headersTimeout, advice } = request;
  const { authorization: _, ...anonymous } = request.headers;
  let url = start;
  let { sender } = request;
  for (let hops = 0; ; hops++) {
    const headers = url.origin === start.origin ? request.headers : anonymous;
    const bytes = stream?.() ?? body;
    let answer: HttpResponse;
    try {
      const send = {
        method,
        headers: { 'user-agent': 'modelcars', ...headers },
        signal,
        sender,
        headersTimeout,
      };
      answer = await transport.send(url, bytes === undefined ? send : { ...send, body: bytes });
    } catch (error) {
      throw signal?.aborted ? cancelled(error) : networkFailure(what, url.host, error, advice);
    }
    const status = answer.statusCode;
    const location = [301, 302, 303, 307, 308].includes(status) ? headerOf(answer, 'location') : undefined;
    const reads = method === 'GET' || method === 'HEAD';
    if (location === undefined || !(reads || status >= 307) || stream) return { answer, status, url };
    const next = redirect(request, url, location, hops);
    // A body may be a secret too (OAuth2's refresh token).
    if (body !== undefined && next.origin !== start.origin) return { answer, status, url };
    await discard(answer);
    if (next.host !== url.host) sender = request.isNamed?.(next) ? undefined : url;
    url = next;
  }
}

function redirect(request: WireRequest, from: URL, location: string, hops: number): URL {
  const failure = {
    code: request.code ?? 'source',
    ...(request.advice?.redirect !== undefined && { next: request.advice.redirect }),
  };
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  // RFC 9110 section 4.2.4: user information in a reference from an untrusted source is an error.
  if (to && (to.username !== '' || to.password !== ''))
    throw new RequestFailure(
      `${request.what}: ${from.host} redirects to a URL with user and password`,
      failure,
    );
  const plain = to?.protocol === 'http:' && (from.protocol === 'http:' || request.mayBePlain(to));
  if (to && (to.protocol === 'https:' || plain) && hops < redirects) return to;
  const why =
    to && hops >= redirects
      ? `redirects more than ${redirects} times`
      : `redirects to ${to?.origin ?? 'something that is no URL'}, which is not https`;
  throw new RequestFailure(`${request.what}: ${from.host} ${why}`, failure);
}
