import { type ErrorCode, ModelcarsError } from '../errors.ts';
import { TooSlow } from './minimum-pace.ts';
import { PrivateTarget } from './private-targets.ts';

/** Details of a failed request that decide whether it is retried. */
export interface FailureDetails {
  code: ErrorCode;
  next?: string;
  cause?: unknown;
  /** HTTP status; undefined when no response arrived. */
  status?: number;
  /** A registry's error codes: `BLOB_UPLOAD_UNKNOWN`, `DIGEST_INVALID` … */
  codes?: string[];
  /** Whether the same request may succeed later. */
  retryable?: boolean;
  /** Milliseconds that the server asks to wait. */
  retryAfter?: number;
}

/** A failed request: a ModelcarsError that also carries the details for retries. */
export class RequestFailure extends ModelcarsError {
  readonly status: number | undefined;
  readonly codes: string[];
  /** Set to false when all tries are used up, so that no caller starts over. */
  retryable: boolean;
  readonly retryAfter: number | undefined;

  constructor(message: string, details: FailureDetails) {
    super(details.code, message, {
      cause: details.cause,
      ...(details.next === undefined ? {} : { next: details.next }),
    });
    this.status = details.status;
    this.codes = details.codes ?? [];
    this.retryable = details.retryable ?? false;
    this.retryAfter = details.retryAfter;
  }
}

/** Why no usable response arrived. */
export type Fault =
  | 'slow' // the response trickles
  | 'private' // another host points to a private address
  | 'certificate' // not trusted
  | 'plain' // the host does not speak TLS
  | 'proxy' // the proxy refuses the request
  | 'unknown' // DNS has no address
  | 'refused' // no process listens on the port
  | 'timeout' // no response, or no route
  | 'broken'; // the connection ended

/** The next step per fault, where it depends on the kind of host. */
export type Advice = Record<'plain' | 'private', (host: string) => string> &
  Record<'certificate' | 'unreachable' | 'broken', string> & {
    /** After a redirect that must not be followed. */
    redirect?: string;
  };

export const usualAdvice: Advice = {
  plain: () => 'check the URL: is it http, not https?',
  private: () => 'if this is intended, use the URL it points to',
  certificate: 'pass the certificate of its authority with `--ca-file`, or add it to the system',
  unreachable: 'check host and port, HTTPS_PROXY and NO_PROXY',
  broken: 'run the command again',
};

/**
 * Classifies the error of a request without a response, or with one that broke off. The only function that knows the
 * error codes of Node, OpenSSL and undici.
 */
export function faultOf(error: unknown): { fault: Fault; code: string; text: string } {
  const { code, text } = describeCause(error);
  const is = (fault: Fault) => ({ fault, code, text });
  if (error instanceof TooSlow) return is('slow');
  if (privateTarget(error) !== undefined) return is('private');
  if (/CERT|^UNABLE_TO_|^ERR_TLS_|SELF_SIGNED|^INVALID_(CA|PURPOSE)|^HOSTNAME_MISMATCH/.test(code))
    return is('certificate');
  if (/^ERR_SSL_|^EPROTO$/.test(code)) return is('plain');
  if (/\bproxy\b.*\b4\d\d\b/i.test(text)) return is('proxy');
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(code)) return is('unknown');
  if (code === 'ECONNREFUSED') return is('refused');
  if (/TIMEOUT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(code)) return is('timeout');
  return is('broken');
}

/** Describes a fault, to follow "verb object: " in a message; `text` and `code` as returned by `faultOf`. */
export function faultText(host: string, { fault, code, text }: ReturnType<typeof faultOf>): string {
  switch (fault) {
    case 'slow':
      return `${host} sends its answer too slowly (${text})`;
    case 'private':
      return `${host} has a private address`;
    case 'certificate':
      return `${host} shows a certificate that is not trusted (${text})`;
    case 'plain':
      return `${host} does not speak TLS (${text})`;
    case 'proxy':
      return `the proxy does not let us through to ${host} (${text})`;
    case 'unknown':
      return `no address is known for ${host} (DNS)`;
    case 'refused':
      return `${host} refuses connections`;
    case 'timeout':
      return `${host} does not answer (${code})`;
    case 'broken':
      return `the connection to ${host} broke (${text})`;
  }
}

/**
 * The failure of a request without a response, or with one that broke off. Rethrows all errors that are not network
 * errors: a ModelcarsError unchanged, and programming mistakes.
 */
export function networkFailure(
  what: string,
  host: string,
  error: unknown,
  advice: Advice = usualAdvice,
): RequestFailure {
  throwOurs(error);
  const found = faultOf(error);
  const { fault } = found;
  const target = privateTarget(error);
  const problem =
    target === undefined
      ? faultText(host, found)
      : `${target.sender} points to ${host}, which has the private address ${target.address}`;
  return new RequestFailure(`${what}: ${problem}`, {
    code: 'network',
    cause: error,
    retryable: ['unknown', 'refused', 'timeout', 'broken'].includes(fault),
    next: nextStep(fault, host, advice),
  });
}

function nextStep(fault: Fault, host: string, advice: Advice): string {
  switch (fault) {
    case 'slow':
      return `run the command again; if it stays this slow, check the network, the proxy and ${host}`;
    case 'private':
    case 'plain':
      return advice[fault](host);
    case 'certificate':
    case 'broken':
      return advice[fault];
    case 'proxy':
      return 'check HTTP_PROXY and HTTPS_PROXY (with user name and password, if it requires them) and NO_PROXY';
    default:
      return advice.unreachable;
  }
}

/**
 * Whether the same request may get another status later (RFC 9110 and 6585, RFC 8470 for 425). 401 is not included: a
 * token is renewed once.
 */
export function isRetryable(status: number): boolean {
  return [408, 425, 429, 500, 502, 503, 504].includes(status);
}

/** Whether a connection was refused or a name not found: worth only a few tries if the host has never responded. */
export function isUnreachable(failure: RequestFailure): boolean {
  return ['unknown', 'refused'].includes(faultOf(failure.cause).fault);
}

/** Rethrows a ModelcarsError and programming mistakes, which no retry fixes. */
function throwOurs(error: unknown): void {
  if (error instanceof ModelcarsError) throw error;
  const mistakes = [TypeError, RangeError, ReferenceError, SyntaxError, URIError];
  if (mistakes.some((mistake) => error instanceof mistake)) throw error;
}

/** The PrivateTarget that caused a connection's error. */
export function privateTarget(error: unknown): PrivateTarget | undefined {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    if (current instanceof PrivateTarget) return current;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return undefined;
}

/** The innermost code and message of a network error; an empty code if it has none. */
export function describeCause(error: unknown): { code: string; text: string } {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    // A happy-eyeballs AggregateError has no message.
    const inner = current instanceof AggregateError ? current.errors[0] : undefined;
    const code = (current as NodeJS.ErrnoException).code;
    if (code && !/^(UND_ERR_PRX|UND_ERR_ABORTED)/.test(code)) return { code, text: current.message || code };
    if (!inner && current.cause === undefined) return { code: '', text: current.message };
    current = inner ?? current.cause;
  }
  return { code: '', text: 'connection lost' };
}
