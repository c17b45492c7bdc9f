import { cancelled, type ErrorCode, ModelcarsError } from '../../errors.ts';
import { faultOf, faultText } from '../../http/failure.ts';
import { plain } from '../../text/format.ts';
import { actionOf, amazon, type EcrApi } from './api.ts';

/** The fields of SDK errors used here. */
interface SdkError {
  name?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number };
}

/** The message's second part, and the next step. */
interface Words {
  code: ErrorCode;
  says: string;
  next: string;
}

/** The next step when no AWS credentials were found. */
export const awsCredentials =
  'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run it with a role';

/** An SDK error of a call as a ModelcarsError. `what` is "verb object", `operation` the API's name of the call. */
export async function ecrFailure(
  what: string,
  error: unknown,
  api: EcrApi,
  operation: string,
  signal?: AbortSignal,
): Promise<ModelcarsError> {
  if (error instanceof ModelcarsError) return error;
  if (signal?.aborted) return signal.reason instanceof ModelcarsError ? signal.reason : cancelled(error);
  const { name = '', $metadata } = (error ?? {}) as SdkError;
  if (name === 'CredentialsProviderError') return credentialsFailure(what, error);
  const said = textOf(error);
  const { code, says, next } =
    denial(name, said, actionOf(api, operation)) ??
    (await rejection(name, api)) ??
    limit(name) ??
    answer(error, name, said, $metadata?.httpStatusCode, api);
  return new ModelcarsError(code, `${what}: ${says}`, { next, cause: error });
}

/** Whether the SDK found no credentials at all: a source that does not work is another error. */
export function lacksCredentials(error: unknown): boolean {
  const { name, message = '' } = (error ?? {}) as SdkError;
  return (
    name === 'CredentialsProviderError' && /^Could not load credentials from any providers/.test(message)
  );
}

/** The failure to find credentials: none, or a source that does not work, such as an expired SSO session. */
export function credentialsFailure(what: string, error: unknown): ModelcarsError {
  const why = lacksCredentials(error) ? '' : `: ${textOf(error)}`;
  return new ModelcarsError('auth', `${what}: no AWS credentials were found${why}`, {
    next: awsCredentials,
    cause: error,
  });
}

function textOf(error: unknown): string {
  const { message = '' } = (error ?? {}) as SdkError;
  return plain(message.replaceAll(/\s+/g, ' ').trim(), 300);
}

function denial(name: string, said: string, action: string): Words | undefined {
  if (name !== 'AccessDeniedException' && name !== 'AccessDenied') return undefined;
  // ECR Public's token also requires sts:GetServiceBearerToken; Amazon's message names the action.
  const missing = /not authorized to perform: ([a-z-]+:[A-Za-z]+)/.exec(said)?.[1] ?? action;
  const others: [RegExp, string][] = [
    [/:CreateRepository$/, ', or create the repository yourself and leave out --create-repository'],
    [/:GetAuthorizationToken$/, ', or log in with other credentials'],
  ];
  const other = others.find(([pattern]) => pattern.test(missing))?.[1] ?? '';
  return {
    code: 'auth',
    says: `AWS denies this account ${missing}${said === '' ? '' : `: ${said}`}`,
    next: `allow ${missing} to the account of the AWS credentials${other}`,
  };
}

async function rejection(name: string, api: EcrApi): Promise<Words | undefined> {
  if (/^Expired|^RequestExpired$/.test(name))
    return {
      code: 'auth',
      says: `the AWS credentials have expired (${plain(name)})`,
      next: 'get new credentials',
    };
  if (!/^(UnrecognizedClient|InvalidClientTokenId|InvalidSignature|Signature|IncompleteSignature)/.test(name))
    return undefined;
  const key = await api.accessKey().catch(() => '****');
  return {
    code: 'auth',
    says: `AWS rejected the credentials with access key ${key} (${plain(name)})`,
    next: 'check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile',
  };
}

function limit(name: string): Words | undefined {
  if (name === 'LimitExceededException')
    return {
      code: 'limit',
      says: 'the account has reached its quota of repositories',
      next: 'raise the quota "Registered repositories" in AWS Service Quotas, or delete repositories',
    };
  if (!/Throttl|TooManyRequests|RequestLimitExceeded/.test(name)) return undefined;
  return {
    code: 'network',
    says: `AWS still asks to slow down after several tries (${plain(name)})`,
    next: 'run the command again later; finished work is not repeated',
  };
}

function answer(
  error: unknown,
  name: string,
  said: string,
  status: number | undefined,
  { endpoint }: EcrApi,
): Words {
  const check =
    endpoint === amazon
      ? 'check HTTPS_PROXY and NO_PROXY'
      : 'check AWS_ENDPOINT_URL_ECR and AWS_ENDPOINT_URL: they must lead to Amazon ECR';
  if (status === undefined) {
    const found = faultOf(error);
    return {
      code: 'network',
      says: faultText(endpoint, { ...found, code: found.code || plain(name) }),
      next: `${check}, then run the command again`,
    };
  }
  const reason = [plain(name), said].filter((text) => text !== '' && text !== 'UnknownError').join(': ');
  return {
    code: status >= 500 ? 'network' : 'registry',
    says: `${endpoint} answered ${status}${reason === '' ? '' : ` (${reason})`}`,
    next: endpoint === amazon ? 'correct what it names, or run the command again later' : check,
  };
}
