import { type ErrorCode, ModelcarsError } from '../errors.ts';
import { TooSlow } from './minimum-pace.ts';
import { PrivateTarget } from './private-targets.ts';

/** How a request went wrong, for those who decide whether to try again. */
export interface FailureDetails {
  code: ErrorCode;
  next?: string;
  cause?: unknown;
  /** HTTP status; undefined when there was no answer. */
  status?: number;
  /** A registry's error codes: `BLOB_UPLOAD_UNKNOWN`, `DIGEST_INVALID` … */
  codes?: string[];
  /** Whether the same request may succeed later. */
  retryable?: boolean;
  /** Milliseconds the other side asks to wait. */
  retryAfter?: number;
}

/** A failed request: a ModelcarsError that also carries what the retries need. */
export class RequestFailure extends ModelcarsError {
  readonly status: number | undefined;
  readonly codes: string[];
  /** Set to false by whoever has tried often enough, so that nobody above starts all over. */
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

/** What to do when a host does not answer, where it is not the same for all hosts. */
export interface Advice {
  /** It does not speak TLS. */
  plain(host: string): string;
  /** Its name is not known, or nobody listens. */
  unreachable: string;
  /** The connection broke. */
  broken: string;
  /** Somebody sent us to it, and it has a private address. */
  hidden(host: string): string;
}

const usualAdvice: Advice = {
  plain: () => 'check the URL: is it http, not https?',
  unreachable: 'check the host name, HTTPS_PROXY and NO_PROXY',
  broken: 'run the command again',
  hidden: () => 'if this is intended, use the URL it points to',
};

/**
 * The failure of a request that got no answer: DNS, connection, TLS, time-out, an answer that trickles, a private address where none may
 * be. Throws what is no fault of the network: our own errors as they are, and programming mistakes.
 */
export function networkFailure(
  what: string,
  host: string,
  error: unknown,
  advice: Advice = usualAdvice,
): RequestFailure {
  throwOurs(error);
  if (error instanceof TooSlow) {
    return new RequestFailure(`${what}: ${host} sends its answer too slowly (${error.message})`, {
      code: 'network',
      cause: error,
      next: `run the command again; if it stays so slow, look into the network, the proxy and ${host}`,
    });
  }
  const hidden = hiddenTarget(error);
  if (hidden !== undefined) {
    const problem = `${hidden.sender} points to ${host}, which has the private address ${hidden.address}`;
    return new RequestFailure(`${what}: ${problem}`, {
      code: 'network',
      cause: error,
      next: advice.hidden(host),
    });
  }
  const { code, text } = describeCause(error);
  if (isTlsCode(code)) {
    return new RequestFailure(`${what}: ${host} shows a certificate that is not trusted (${text})`, {
      code: 'network',
      cause: error,
      next: 'pass the certificate of its authority with `--ca-file`',
    });
  }
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO') {
    return new RequestFailure(`${what}: ${host} does not speak TLS (${text})`, {
      code: 'network',
      cause: error,
      next: advice.plain(host),
    });
  }
  if (/\bproxy\b.*\b4\d\d\b/i.test(text)) {
    return new RequestFailure(`${what}: the proxy does not let us through to ${host} (${text})`, {
      code: 'network',
      cause: error,
      next: 'check HTTP_PROXY and HTTPS_PROXY (with user name and password, if it wants them) and NO_PROXY',
    });
  }
  const unreachable =
    code === 'ENOTFOUND' || code === 'ECONNREFUSED' || /TIMEOUT|ETIMEDOUT|EHOSTUNREACH/.test(code);
  return new RequestFailure(`${what}: no answer from ${host} (${text})`, {
    code: 'network',
    cause: error,
    retryable: true,
    next: unreachable ? advice.unreachable : advice.broken,
  });
}

/** Whether a status may go away by itself. 401 is none: a token is refreshed once, by those who have one. */
export function isRetryable(status: number): boolean {
  return [408, 429, 500, 502, 503, 504].includes(status);
}

/** Whether a connection was refused or a name not found: worth little patience if the host never answered. */
export function isUnreachable(failure: RequestFailure): boolean {
  return /^(ENOTFOUND|ECONNREFUSED)$/.test(describeCause(failure.cause).code);
}

/** Throws an error that is ours: one for the user, or a mistake in this program, which no waiting mends. */
export function throwOurs(error: unknown): void {
  if (error instanceof ModelcarsError) throw error;
  const mistakes = [TypeError, RangeError, ReferenceError, SyntaxError, URIError];
  if (mistakes.some((mistake) => error instanceof mistake)) throw error;
}

/** The PrivateTarget that an error of a connection comes from. */
export function hiddenTarget(error: unknown): PrivateTarget | undefined {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    if (current instanceof PrivateTarget) return current;
    current = current instanceof AggregateError ? current.errors[0] : current.cause;
  }
  return undefined;
}

function isTlsCode(code: string): boolean {
  return /CERT|^UNABLE_TO_|^ERR_TLS_|SELF_SIGNED|^INVALID_(CA|PURPOSE)|^HOSTNAME_MISMATCH/.test(code);
}

/** The innermost code and message of an error of the network; an empty code where it has none. */
export function describeCause(error: unknown): { code: string; text: string } {
  let current = error;
  for (let depth = 0; depth < 5 && current instanceof Error; depth++) {
    // A happy-eyeballs AggregateError has no message of its own.
    const inner = current instanceof AggregateError ? current.errors[0] : undefined;
    const code = (current as NodeJS.ErrnoException).code;
    if (code && !/^(UND_ERR_PRX|UND_ERR_ABORTED)/.test(code)) return { code, text: current.message || code };
    if (!inner && current.cause === undefined) return { code: '', text: current.message };
    current = inner ?? current.cause;
  }
  return { code: '', text: 'connection lost' };
}
