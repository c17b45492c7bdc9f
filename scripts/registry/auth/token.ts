import { ModelcarsError } from '../../errors.ts';
import { RegistryFailure } from '../failure.ts';
import { explainRefusal, type Refusal, type Refused } from '../refusal.ts';
import type { Credential } from './types.ts';

/** A bearer token; `expires` is a time of performance.now(), which is monotonic. */
export interface Token {
  text: string;
  expires: number;
}

export interface TokenRequest {
  registry: string;
  realm: URL;
  service: string | undefined;
  scopes: string[];
  credential: Credential | undefined;
  /** Sends with retries, without following redirects; returns the status and at most 1 MiB of body. */
  request(
    url: URL,
    init: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: Uint8Array },
  ): Promise<{ status: number; text: string }>;
}

/**
 * Fetches a token for the scopes: by GET with Basic credentials or anonymously, or, with an identity token, by OAuth2's
 * refresh grant (distribution's "Token authentication" and "OAuth2 token authentication"). Fails with an `auth` error
 * when the server refuses or returns no token.
 */
export async function fetchToken(options: TokenRequest): Promise<Token> {
  const started = performance.now();
  const { registry, realm, credential } = options;
  const { status, text } =
    credential?.kind === 'identity'
      ? await exchange(options, credential.token)
      : await get(options, credential);
  if (status === 401 || status === 403) {
    throw refused(options, status);
  }
  const answer = status === 200 ? parse(text) : {};
  const token = answer.token ?? answer.access_token;
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,65536}$/.test(token)) {
    throw new ModelcarsError('auth', `log in to ${registry}: ${realm.host} answers no token (${status})`, {
      next: "look into the token server's log",
    });
  }
  // "If omitted, this defaults to 60 seconds." A tenth of the lifetime is kept as a margin for latency and clocks.
  const seconds = typeof answer.expires_in === 'number' && answer.expires_in > 0 ? answer.expires_in : 60;
  return { text: token, expires: started + seconds * 900 };
}

/** The token server's refusal: no credentials, rejected credentials (401), or denied scopes for this account (403). */
function refused({ registry, realm, scopes, credential }: TokenRequest, status: number): RegistryFailure {
  const refusal: Refusal = credential === undefined ? 'login' : status === 401 ? 'rejected' : 'rights';
  // The scopes may also include the right to mount a blob from another repository.
  const main = scopes.find((scope) => scope.endsWith('push')) ?? scopes[0] ?? '';
  const [, repository = '', actions = ''] = /^repository:(.+):([a-z,*]+)$/.exec(main) ?? [];
  const request: Refused = {
    method: actions.includes('push') ? 'PUT' : 'GET',
    path: `/v2/${repository}/manifests/`,
    account: { kind: 'unproven', origin: credential?.origin },
  };
  const answer = `${status} from ${realm.host}`;
  const { why, next } = explainRefusal(refusal, registry, answer, request);
  return new RegistryFailure(`log in to ${registry}: ${why}`, { code: 'auth', status, next }, refusal);
}

async function get(options: TokenRequest, credential: Credential | undefined) {
  const url = new URL(options.realm);
  if (options.service !== undefined) url.searchParams.set('service', options.service);
  for (const scope of options.scopes) url.searchParams.append('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (credential?.kind === 'basic') {
    const { username, password } = credential;
    url.searchParams.set('account', username);
    headers.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
  return await options.request(url, { method: 'GET', headers });
}

async function exchange(options: TokenRequest, refreshToken: string) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'modelcars',
    scope: options.scopes.join(' '),
    refresh_token: refreshToken,
  });
  if (options.service !== undefined) form.set('service', options.service);
  const headers = { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' };
  const body = Buffer.from(form.toString());
  return await options.request(options.realm, { method: 'POST', headers, body });
}

function parse(text: string): { token?: unknown; access_token?: unknown; expires_in?: unknown } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
