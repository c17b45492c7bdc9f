import type { ErrorCode } from '../errors.ts';
import { type Advice, type FailureDetails, isRetryable, RequestFailure } from '../http/failure.ts';

/** What to do when a registry does not answer. */
export const registryAdvice: Advice = {
  plain: (host) => `if it is a plain http registry, pass \`--insecure ${host}\``,
  unreachable: 'check the host name, HTTPS_PROXY and NO_PROXY, or name a mirror of this registry',
  broken: 'run the command again: what is there already is not sent twice',
};

/**
 * The failure of an answer with an unwanted status. `detail` has the registry's own text, already masked, and in `by`
 * the host that answered when it is another than the registry (a redirect's, a token server's).
 */
export function statusFailure(
  what: string,
  registry: string,
  status: number,
  detail: { codes: string[]; text: string; retryAfter: number | undefined; by?: string | undefined },
): RequestFailure {
  const said = detail.text === '' ? '' : ` (${detail.text})`;
  const next = nextForStatus(status, detail.codes, registry);
  const details: FailureDetails = {
    code: codeFor(status, detail.codes),
    status,
    codes: detail.codes,
    retryable: isRetryable(status),
  };
  if (next !== undefined) details.next = next;
  if (detail.retryAfter !== undefined) details.retryAfter = detail.retryAfter;
  return new RequestFailure(`${what}: ${detail.by ?? registry} answered ${status}${said}`, details);
}

function codeFor(status: number, codes: string[]): ErrorCode {
  if (status === 401 || status === 403) return 'auth';
  if (status === 413 || codes.includes('LAYER_TOO_LARGE')) return 'limit';
  if (codes.includes('DIGEST_INVALID') || codes.includes('SIZE_INVALID')) return 'integrity';
  return 'registry';
}

function nextForStatus(status: number, codes: string[], registry: string): string | undefined {
  if (status === 401 || status === 403) {
    return `log in with \`podman login ${registry}\`, or set MODELCARS_REGISTRY_USERNAME and MODELCARS_REGISTRY_PASSWORD (MODELCARS_REGISTRY_HOST=${registry}), with an account that may do this`;
  }
  if (codes.includes('NAME_UNKNOWN'))
    return 'create the repository or project in the registry, or correct its name';
  if (codes.includes('NAME_INVALID'))
    return 'correct the repository name: this registry has rules of its own';
  if (codes.includes('DIGEST_INVALID'))
    return 'run the command again; if it fails again, a proxy on the way changes bytes';
  if (status === 413)
    return 'use smaller layers, or raise the body limit of the registry or the proxy before it';
  if (status === 429) return 'wait for the rate limit to pass, or log in for a higher one';
  if (status >= 500) return "try again later; the registry's own log has the cause";
  return undefined;
}
