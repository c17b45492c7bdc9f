import type { ErrorCode } from '../errors.ts';
import { type Advice, type FailureDetails, isRetryable, RequestFailure } from '../http/failure.ts';
import { isEcr } from './ecr/host.ts';
import { explainRefusal, logIn, type Refusal, type Refused, refusalOf } from './refusal.ts';

/** Next steps when a request to a registry fails. */
export const registryAdvice: Advice = {
  plain: (host) => `if it is a plain http registry, pass \`--insecure ${host}\``,
  private: (host) => `if you trust ${host}, pass \`--insecure ${host}\``,
  certificate: 'pass the certificate of its authority with `--ca-file`',
  unreachable: 'check the host name, HTTPS_PROXY and NO_PROXY, or name a mirror of this registry',
  broken: 'run the command again; blobs that the registry has are not sent again',
};

/** A registry's response with an unexpected status. */
export class RegistryFailure extends RequestFailure {
  /** Why the registry refuses a well-formed request; undefined for all other failures. */
  readonly refusal: Refusal | undefined;

  constructor(message: string, details: FailureDetails, refusal: Refusal | undefined) {
    super(message, details);
    this.refusal = refusal;
  }
}

/**
 * The failure of a response with an unexpected status. In `detail`, `text` is the registry's own text, already masked;
 * `by` is the host that responded, if it is not the registry (a redirect target, a token server); `refused` is the
 * request to the registry.
 */
export function statusFailure(
  what: string,
  registry: string,
  status: number,
  detail: {
    codes: string[];
    text: string;
    retryAfter: number | undefined;
    by?: string | undefined;
    refused?: Refused | undefined;
  },
): RegistryFailure {
  const { codes, text, by, refused } = detail;
  // A storage host behind a redirect has no accounts.
  const refusal = refused && by === undefined ? refusalOf(status, text, refused) : undefined;
  const details: FailureDetails = {
    code: codeFor(status, codes, refusal),
    status,
    codes,
    retryable: refusal === undefined && isRetryable(status),
  };
  if (detail.retryAfter !== undefined) details.retryAfter = detail.retryAfter;
  if (refusal !== undefined && refused !== undefined) {
    const answer = text === '' ? `${status}` : `${status} (${text})`;
    const { why, next } = explainRefusal(refusal, registry, answer, refused);
    return new RegistryFailure(`${what}: ${why}`, { ...details, next }, refusal);
  }
  const next = nextForStatus(status, codes, registry);
  if (next !== undefined) details.next = next;
  const said = text === '' ? '' : ` (${text})`;
  return new RegistryFailure(`${what}: ${by ?? registry} answered ${status}${said}`, details, undefined);
}

function codeFor(status: number, codes: string[], refusal: Refusal | undefined): ErrorCode {
  if (refusal === 'immutable') return 'tag';
  if (refusal === 'quota') return 'limit';
  if (status === 401 || status === 403) return 'auth';
  if (status === 413 || codes.includes('LAYER_TOO_LARGE')) return 'limit';
  if (codes.includes('DIGEST_INVALID') || codes.includes('SIZE_INVALID')) return 'integrity';
  return 'registry';
}

function nextForStatus(status: number, codes: string[], registry: string): string | undefined {
  if (status === 401 || status === 403) {
    return logIn(registry);
  }
  if (codes.includes('NAME_UNKNOWN') && isEcr(registry))
    return 'pass `--create-repository`, or create the repository in ECR';
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
