import type { RefusedResponse } from '../../http/client.ts';
import { type FailureDetails, isRetryable, RequestFailure } from '../../http/failure.ts';
import type { GsAccount } from './credentials.ts';

/** The meaning of an error of Cloud Storage (JSON API, "HTTP status and error codes"), and the next step. */
export function gsFailure(
  what: string,
  bucket: string,
  account: GsAccount,
  { status, url, retryAfter }: Pick<RefusedResponse, 'status' | 'url' | 'retryAfter'>,
): RequestFailure {
  const { says, ...details } = wordsFor(status, url, bucket, account);
  return new RequestFailure(`${what}: ${says}`, {
    ...details,
    status,
    retryable: isRetryable(status),
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

function wordsFor(
  status: number,
  { host }: URL,
  bucket: string,
  account: GsAccount,
): Pick<FailureDetails, 'code' | 'next'> & { says: string } {
  if (status === 401 && account.token !== undefined)
    return {
      code: 'auth',
      says: `${host} rejected the token of ${account.name}`,
      next: 'run `gcloud auth application-default login` again, or correct GOOGLE_APPLICATION_CREDENTIALS',
    };
  if ((status === 401 || status === 403) && account.token === undefined)
    return {
      code: 'auth',
      says: `${host} denies access to ${account.name}, and no Google credentials were found`,
      next: 'set GOOGLE_APPLICATION_CREDENTIALS to a credentials file, or run `gcloud auth application-default login`',
    };
  if (status === 403)
    return {
      code: 'auth',
      says: `${host} denies access to ${account.name}`,
      next: `grant it the role Storage Object Viewer (roles/storage.objectViewer) on bucket ${bucket}`,
    };
  if (status === 404)
    return {
      code: 'source',
      says: `${host} has no bucket ${bucket}`,
      next: 'create the bucket, or correct its name in `source`',
    };
  if (isRetryable(status))
    return {
      code: 'network',
      says: `${host} answered ${status}`,
      next: 'run it again later; finished work is not repeated',
    };
  return {
    code: 'source',
    says: `${host} answered ${status}`,
    next: 'check the bucket and the prefix; STORAGE_EMULATOR_HOST names another server than Google',
  };
}
