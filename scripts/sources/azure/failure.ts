import { cancelled, ModelcarsError } from '../../errors.ts';
import { type FailureDetails, faultOf, faultText, isRetryable, RequestFailure } from '../../http/failure.ts';
import type { AzureAccess } from './access.ts';
import type { AzureLocation } from './uri.ts';

/** The fields of the SDK's errors used here. */
interface SdkError {
  /** Azure's error code, or Node's. */
  code?: string;
  statusCode?: number;
}

type Words = Pick<FailureDetails, 'code' | 'next'> & { says: string };

/** An error of the SDK as a RequestFailure. `what` is "verb object". */
export function azureFailure(
  what: string,
  error: unknown,
  access: Pick<AzureAccess, 'host' | 'credential'>,
  location: AzureLocation,
  signal?: AbortSignal,
): ModelcarsError {
  if (error instanceof ModelcarsError) return error;
  if (signal?.aborted) return signal.reason instanceof ModelcarsError ? signal.reason : cancelled(error);
  const { code = '', statusCode: status } = (error ?? {}) as SdkError;
  const { says, ...details } =
    status === undefined || status < 300
      ? connectionWords(error, access.host)
      : (refusalWords(code, status, access, location) ?? plainWords(code, status, access.host));
  return new RequestFailure(`${what}: ${says}`, {
    ...details,
    cause: error,
    codes: [code],
    retryable: status === undefined || status < 300,
    ...(status !== undefined && { status }),
  });
}

/** Blob service documentation, "Blob Storage error codes" and "Common REST API error codes". */
function refusalWords(
  code: string,
  status: number,
  { host, credential }: Pick<AzureAccess, 'host' | 'credential'>,
  { account, container }: AzureLocation,
): Words | undefined {
  if (status === 412)
    return {
      code: 'integrity',
      says: 'it changed on the server while it was read',
      next: 'run it again when nothing writes to it; run `modelcars lock --upgrade` if the change is meant',
    };
  // Azure hides a private container from a request without an account.
  const hidden = ['PublicAccessNotPermitted', 'ResourceNotFound', 'NoAuthenticationInformation'];
  if (credential === undefined && (status === 401 || status === 403 || hidden.includes(code)))
    return {
      code: 'auth',
      says: `${host} has no public container ${container}, and no Azure credentials were found`,
      next: 'run `az login`, or set AZURE_STORAGE_SAS_TOKEN, AZURE_STORAGE_KEY, or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET',
    };
  if (code === 'ContainerNotFound' || (status === 404 && code === 'ResourceNotFound'))
    return {
      code: 'source',
      says: `${host} has no container ${container}`,
      next: 'create the container, or correct its name in `source`',
    };
  if (code === 'AuthenticationFailed' || status === 401)
    return {
      code: 'auth',
      says: `${host} rejected ${credential}`,
      next: `use credentials of account ${account}; a SAS may have expired`,
    };
  if (status !== 403 && status !== 409) return undefined;
  // A key may do everything, unless it is another account's or the firewall is in its way.
  const isKey = credential?.startsWith('the key') === true;
  return {
    code: 'auth',
    says: `${host} denies access to ${credential ?? 'a request without an account'}${said(code)}`,
    next: isKey
      ? `check that the key is one of account ${account}, and the networks that the account allows`
      : `grant it the role Storage Blob Data Reader on container ${container}, or a SAS with read and list`,
  };
}

function connectionWords(error: unknown, host: string): Words {
  const found = faultOf(error);
  return {
    code: 'network',
    says: faultText(host, found),
    next:
      found.fault === 'unknown'
        ? "check the account's name in `source`, HTTPS_PROXY and NO_PROXY"
        : 'check that this machine can reach it (HTTPS_PROXY, NO_PROXY), then run it again',
  };
}

function plainWords(code: string, status: number, host: string): Words {
  const isServerFault = isRetryable(status);
  return {
    code: isServerFault ? 'network' : 'source',
    says: `${host} answered ${status}${said(code)}`,
    next: isServerFault
      ? 'run it again later; finished work is not repeated'
      : 'check account, container and prefix in `source`',
  };
}

function said(code: string): string {
  return /^[A-Za-z]{1,64}$/.test(code) ? ` (${code})` : '';
}
