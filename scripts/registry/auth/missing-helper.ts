import { ModelcarsError } from '../../errors.ts';
import { RequestFailure } from '../../http/failure.ts';

/**
 * Adds to an `auth` error the `missing` helper ("docker-credential-x, which FILE names for it, is not installed") and
 * the step that fixes it. Returns any other error, and one that already names it, unchanged.
 */
export function withMissing(error: unknown, missing: string | undefined): unknown {
  if (missing === undefined || !(error instanceof ModelcarsError) || error.code !== 'auth') return error;
  const { message, next, cause } = error;
  if (message.includes(missing) || (error instanceof RequestFailure && error.retryable)) return error;
  const [program] = missing.split(',', 1);
  const details = {
    cause,
    next: `install ${program}, or ${next ?? 'remove it from the file and log in again'}`,
  };
  if (!(error instanceof RequestFailure))
    return new ModelcarsError('auth', `${message}; ${missing}`, details);
  const { status, codes, code } = error;
  return new RequestFailure(`${message}; ${missing}`, {
    ...details,
    code,
    codes,
    ...(status !== undefined && { status }),
  });
}
