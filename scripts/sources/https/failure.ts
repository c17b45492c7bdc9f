import { type Advice, isRetryable, RequestFailure, usualAdvice } from '../../http/failure.ts';

/** Next steps for a host that the catalog names in an `https:` source. */
export const httpsAdvice: Advice = {
  ...usualAdvice,
  plain: () => 'correct host and port of the URL',
  unreachable: 'check host and port of the URL, HTTPS_PROXY and NO_PROXY',
  redirect: 'use the URL of the file itself',
};

/** The failure for a response with an unexpected status; `host` sent it, after redirects. */
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
      retryable: isRetryable(status),
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
