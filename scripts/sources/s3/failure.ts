import { cancelled, ModelcarsError } from '../../errors.ts';
import { type FailureDetails, type Fault, faultOf, faultText, RequestFailure } from '../../http/failure.ts';
import type { Connection } from './access.ts';
import { LongAnswer } from './limit.ts';
import { LongWait } from './waits.ts';

/** The fields of SDK errors used here. */
interface SdkError {
  name?: string;
  code?: string;
  message?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
}

/** The text for an S3 error code, and the next step. */
interface Words {
  code: FailureDetails['code'];
  /** Completes "verb object: …". */
  says: string;
  next: string;
}

const keysNext = 'check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and that the endpoint is theirs';

/**
 * An SDK error as a RequestFailure whose `codes` contains the S3 error code; retryable unless the SDK already retried.
 * `what` is "verb object".
 */
export async function s3Failure(
  what: string,
  error: unknown,
  connection: Connection,
  bucket: string,
  signal?: AbortSignal,
): Promise<ModelcarsError> {
  if (error instanceof ModelcarsError) return error;
  if (signal?.aborted) return signal.reason instanceof ModelcarsError ? signal.reason : cancelled(error);
  if (error instanceof LongWait) {
    return new RequestFailure(`${what}: ${connection.host} ${error.message}`, {
      code: 'network',
      next: 'run it again after that time; finished work is not repeated',
      cause: error,
    });
  }
  const { name = '', code = '', $metadata } = (error ?? {}) as SdkError;
  const status = $metadata?.httpStatusCode;
  const key = await connection.accessKey();
  const words =
    credentialWords(name) ??
    refusalWords(name, status, connection.host, bucket, key) ??
    answerWords(error, connection.host) ??
    (status === undefined || status < 300
      ? connectionWords(error, code || name, connection.host)
      : undefined) ??
    plainWords(name, status, connection.host);
  const isServerFault = status === undefined || status >= 500 || status === 429 || status < 300;
  return new RequestFailure(`${what}: ${words.says}`, {
    ...words,
    cause: error,
    codes: [name],
    retryable: words.code === 'network' && isServerFault && ($metadata?.attempts ?? 1) < 2,
    ...(status !== undefined && { status }),
  });
}

function credentialWords(name: string): Words | undefined {
  if (name !== 'CredentialsProviderError' && name !== 'TokenProviderError') return undefined;
  return {
    code: 'auth',
    says: 'no AWS credentials were found',
    next: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give a credentials file or a web identity token',
  };
}

/** S3 API reference, "List of error codes". HEAD responses have no body, so only their status counts. */
function refusalWords(
  name: string,
  status: number | undefined,
  host: string,
  bucket: string,
  key: string | undefined,
): Words | undefined {
  const who = key === undefined ? 'the request' : `access key ${key}`;
  switch (name) {
    case 'NoSuchBucket':
      return {
        code: 'source',
        says: `${host} has no bucket ${bucket}`,
        next: 'create the bucket, or correct its name or the endpoint (S3_ENDPOINT_URL)',
      };
    case 'InvalidAccessKeyId':
      return { code: 'auth', says: `${host} does not know ${who}`, next: keysNext };
    case 'SignatureDoesNotMatch':
      return {
        code: 'auth',
        says: `${host} rejected the signature of ${who}: the secret key is wrong, or a proxy changed the request`,
        next: keysNext,
      };
    case 'ExpiredToken':
    case 'ExpiredTokenException':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return {
        code: 'auth',
        says: `${host} rejected the session token of ${who} as expired or invalid`,
        next: 'get new credentials, or unset AWS_SESSION_TOKEN when the keys need none',
      };
    case 'RequestTimeTooSkewed':
    case 'RequestExpired':
      return {
        code: 'auth',
        says: `the clock of this machine and that of ${host} differ by more than 15 minutes`,
        next: 'set the clock of this machine (NTP), then run it again',
      };
    case 'PermanentRedirect':
    case 'AuthorizationHeaderMalformed':
    case 'IllegalLocationConstraintException':
      return {
        code: 'source',
        says: `bucket ${bucket} is in another region`,
        next: 'set AWS_REGION to the region of the bucket',
      };
    case 'PreconditionFailed':
      return {
        code: 'integrity',
        says: 'it changed on the server while it was read',
        next: 'run it again when nothing writes to it; run `modelcars lock --upgrade` if the change is meant',
      };
    case 'SlowDown':
    case 'ServiceUnavailable':
    case 'TooManyRequests':
    case 'RequestLimitExceeded':
    case 'Throttling':
      return {
        code: 'network',
        says: `${host} still asks to slow down (${name}) after several tries`,
        next: 'run it again later, or with less concurrency (--workers, --concurrency); finished work is not repeated',
      };
  }
  if (name !== 'AccessDenied' && status !== 403 && status !== 401) return undefined;
  return {
    code: 'auth',
    says: `${host} denies access to ${who}`,
    next: `allow the account s3:ListBucket and s3:GetObject on bucket ${bucket}, and s3:PutObject where a cache is filled`,
  };
}

/** A response that is not from S3. */
function answerWords(error: unknown, host: string): Words | undefined {
  const next = 'check the endpoint (S3_ENDPOINT_URL): a proxy or another server may respond in its place';
  if (error instanceof LongAnswer) return { code: 'source', says: `${host} answered ${error.message}`, next };
  // The SDK adds it to the message of any parser error, such as a RangeError at 100,000 nested elements.
  if (!(error instanceof Error) || !/Deserialization error|XML parse error/.test(error.message))
    return undefined;
  return { code: 'source', says: `the response of ${host} is not an S3 response`, next };
}

function connectionWords(error: unknown, code: string, host: string): Words {
  const text = error instanceof Error ? error.message || code : code;
  // The SDK's own error: a response arrived with unreadable XML.
  if (/Deserialization error/.test(text)) {
    return {
      code: 'source',
      says: `the response of ${host} is not S3 XML`,
      next: 'check the endpoint (S3_ENDPOINT_URL): it has to be an S3 server, not a proxy or a web page',
    };
  }
  // Some SDK errors have only a name: `TimeoutError`.
  const found = faultOf(error);
  const nextSteps: Partial<Record<Fault, string>> = {
    certificate: 'put the certificate of its authority into a PEM file and name that in NODE_EXTRA_CA_CERTS',
    plain: 'if it is a plain http server, write http:// in S3_ENDPOINT_URL',
  };
  return {
    code: 'network',
    says: faultText(host, { ...found, code: found.code || code }),
    next:
      nextSteps[found.fault] ??
      'check S3_ENDPOINT_URL, that the server runs and that this machine can reach it, then run it again',
  };
}

function plainWords(name: string, status: number | undefined, host: string): Words {
  const isServerFault = status !== undefined && status >= 500;
  const said = /^[A-Za-z0-9]{1,64}$/.test(name) && name !== 'Unknown' ? ` (${name})` : '';
  return {
    code: isServerFault ? 'network' : 'source',
    says: `${host} answered ${status}${said}`,
    next: isServerFault
      ? "run it again later; the server's own log has the cause"
      : 'check the bucket, the prefix and the endpoint (S3_ENDPOINT_URL)',
  };
}
