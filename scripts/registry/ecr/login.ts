import { ModelcarsError } from '../../errors.ts';
import { learnSecret } from '../../text/mask.ts';
import { type Action, type Credential, isOver } from '../auth/types.ts';
import { openEcr } from './api.ts';
import { credentialsFailure, ecrFailure, lacksCredentials } from './failure.ts';
import { type EcrRegistry, ecrPublic, ecrRegistry } from './host.ts';

/** Finds the credential for a registry; undefined when it is not Amazon's or no AWS credentials are found. */
export type EcrLogin = (registry: string, action: Action) => Promise<Credential | undefined>;

/**
 * Logs in to ECR with the AWS credentials that the SDK finds (environment, profile, role), as `aws ecr
 * get-login-password` does: one token per registry, renewed shortly before it expires. ECR Public is read without a
 * login. Fails with an `auth` error that names the missing right.
 */
export function ecrLogin(signal?: AbortSignal): EcrLogin {
  const logins = new Map<string, Promise<Credential | undefined>>();
  return async (registry, action) => {
    const ecr = ecrRegistry(registry);
    if (ecr === undefined || (registry === ecrPublic && action === 'pull')) return undefined;
    const known = logins.get(registry);
    if (known !== undefined && !isOver(await known)) return await known;
    // Another caller may have renewed it meanwhile.
    const latest = logins.get(registry);
    const login = latest === undefined || latest === known ? logIn(ecr, signal) : latest;
    logins.set(registry, login);
    return await login;
  };
}

/** A token is renewed this long before it expires, since a request can wait in a queue. */
const margin = 5 * 60_000;

async function logIn(ecr: EcrRegistry, signal: AbortSignal | undefined): Promise<Credential | undefined> {
  const what = `log in to ${ecr.host}`;
  const api = await openEcr(ecr);
  try {
    await api.accessKey();
  } catch (error) {
    if (lacksCredentials(error)) return undefined;
    throw credentialsFailure(what, error);
  }
  try {
    const { authorizationToken = '', expiresAt } = await api.getToken(signal);
    learnSecret(authorizationToken);
    const [, username, password] =
      /^([^:]+):([\x21-\x7e]+)$/.exec(Buffer.from(authorizationToken, 'base64').toString('utf8')) ?? [];
    if (username === undefined || password === undefined)
      throw new ModelcarsError('auth', `${what}: ${api.endpoint} returned no token`, {
        next: 'check AWS_ENDPOINT_URL_ECR and AWS_ENDPOINT_URL: they must lead to Amazon ECR',
      });
    learnSecret(password);
    const left = (expiresAt?.getTime() ?? Number.NaN) - Date.now();
    return {
      kind: 'basic',
      username,
      password,
      origin: 'AWS (GetAuthorizationToken)',
      ...(left > 0 && { expires: performance.now() + Math.max(left - margin, left / 2) }),
    };
  } catch (error) {
    throw await ecrFailure(what, error, api, 'GetAuthorizationToken', signal);
  }
}
