import { describeCause, hiddenTarget, RequestFailure, throwOurs } from '../http/failure.ts';

/** The failure of an answer nobody can use. `host` is who gave it, after redirects. */
export function answerFailure(
  what: string,
  host: string,
  status: number,
  retryAfter: number | undefined,
): RequestFailure {
  const fail = (details: { code: 'auth' | 'source' | 'network'; problem: string; next: string }) =>
    new RequestFailure(`${what}: ${details.problem}`, {
      code: details.code,
      next: details.next,
      status,
      retryable: [408, 425, 429, 500, 502, 503, 504].includes(status),
      ...(retryAfter !== undefined && { retryAfter }),
    });
  if (status === 404 || status === 410) {
    const next = 'correct the URL in models.yaml; a browser shows whether it is right';
    return fail({ code: 'source', problem: `${host} has no such file (${status})`, next });
  }
  if (status === 401 || status === 403) {
    return fail({
      code: 'auth',
      problem: `${host} requires authentication (${status})`,
      next: '`https:` sources are read without credentials: make the file public, use a `hf://` or `s3://` source, or download it and use `file:`',
    });
  }
  if (status === 429) {
    const next = 'wait a while, then run it again; what is locked or stored already is not asked for again';
    return fail({ code: 'network', problem: `${host} takes no more requests for now (429)`, next });
  }
  if (status >= 500) {
    return fail({
      code: 'network',
      problem: `${host} returned ${status} (server error)`,
      next: 'try again later',
    });
  }
  return fail({
    code: 'source',
    problem: `${host} answered ${status}, which is no file`,
    next: 'correct the URL in models.yaml; `curl -I` shows what the server does',
  });
}

/**
 * The failure of a request without an answer, or of one whose bytes stopped. Throws our own errors and programming mistakes as they are.
 */
export function connectionFailure(what: string, host: string, error: unknown): RequestFailure {
  throwOurs(error);
  const { code, text } = describeCause(error);
  const fail = (problem: string, next: string, retryable: boolean) =>
    new RequestFailure(`${what}: ${problem}`, { code: 'network', next, retryable, cause: error });
  const hidden = hiddenTarget(error);
  if (hidden !== undefined) {
    const leads = `${hidden.sender} points to ${host}, which has the private address ${hidden.address}`;
    return fail(leads, 'if this is intended, use the URL it points to', false);
  }
  if (/CERT|^UNABLE_TO_|^ERR_TLS_|SELF_SIGNED|^INVALID_(CA|PURPOSE)|^HOSTNAME_MISMATCH/.test(code)) {
    return fail(
      `${host} shows a certificate that is not trusted (${text})`,
      'pass the certificate of its authority with `--ca-file`, or add it to the system',
      false,
    );
  }
  if (/^ERR_SSL_|^EPROTO$/.test(code))
    return fail(`${host} does not speak TLS (${text})`, 'correct host and port of the URL', false);
  if (/\bproxy\b.*\b4\d\d\b/i.test(text)) {
    const next = 'check HTTPS_PROXY (with user name and password, if it wants them) and NO_PROXY';
    return fail(`the proxy does not let us through to ${host} (${text})`, next, false);
  }
  const reach = 'check host and port of the URL, HTTPS_PROXY and NO_PROXY';
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(code)) return fail(`no address is known for ${host} (DNS)`, reach, true);
  if (code === 'ECONNREFUSED') return fail(`${host} refuses connections`, reach, true);
  if (/TIMEOUT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(code))
    return fail(`${host} does not answer (${code})`, reach, true);
  return fail(`the connection to ${host} broke (${text})`, 'run it again', true);
}

/** Whether nobody is there at all: worth little patience. */
export function isNobody(failure: RequestFailure): boolean {
  return /^(ENOTFOUND|ECONNREFUSED)$/.test(describeCause(failure.cause).code);
}
