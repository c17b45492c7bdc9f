/**
 * A token server as in front of Docker Hub, Quay or GHCR. Protocol: the distribution project's documents
 * "Token authentication specification", "Token authentication implementation" and "OAuth2 token authentication".
 */
import { createSign, randomBytes, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Certificates } from './certificates.ts';
import { makeSigner } from './certificates.ts';

/** The access to one resource: `repository:team/model` and its actions. */
export interface Access {
  type: string;
  name: string;
  actions: string[];
}

export interface TokenServerOptions {
  /** The folder for the signing key and certificate. */
  folder: string;
  username: string;
  password: string;
  tls?: Certificates;
  /**
   * Lifetime of a token in seconds: 300 by default. Both registries allow 60 s more, so `exp` is set that much earlier.
   */
  lifetime?: number;
  /**
   * The actions granted of those requested; all of them by default. `username` is undefined for an anonymous request.
   */
  grant?(access: Access, username: string | undefined): string[];
}

export interface TokenRequest {
  method: string;
  scopes: string[];
  /** Undefined for an anonymous request. */
  username: string | undefined;
  status: number;
  /** When it was answered: milliseconds, as from Date.now(). */
  time: number;
}

export interface TokenServer {
  /** For a registry's `auth.token` settings. */
  realm: string;
  issuer: string;
  service: string;
  certificateFile: string;
  /** Accepted as `refresh_token` in the OAuth2 form (docker's "identity token"). */
  identityToken: string;
  requests(): TokenRequest[];
  stop(): Promise<void>;
}

const issuer = 'modelcars test tokens';
const service = 'modelcars test registry';
/** registry/auth/token/token.go `Leeway` in distribution 2.8 and 3. */
const leewaySeconds = 60;

/**
 * Starts one on a free port of 127.0.0.1. Anonymous requests get a token with the access that `grant` allows: none by
 * default.
 */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const signer = await makeSigner(options.folder);
  const key = await readFile(signer.keyFile, 'utf8');
  const certificate = new X509Certificate(await readFile(signer.certificateFile)).raw.toString('base64');
  const identityToken = randomBytes(24).toString('base64url');
  const requests: TokenRequest[] = [];
  const grant = options.grant ?? ((access, username) => (username === undefined ? [] : access.actions));
  const lifetime = options.lifetime ?? 300;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = await readRequest(request, options, identityToken);
    const status = asked.allowed ? 200 : 401;
    requests.push({ ...asked, method: request.method ?? '', status, time: Date.now() });
    if (!asked.allowed) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong credentials' }] }));
      return;
    }
    const now = Math.floor(Date.now() / 1000);
    const access = asked.scopes
      .map(parseScope)
      .map((wanted) => ({ ...wanted, actions: grant(wanted, asked.username) }))
      .filter((granted) => granted.actions.length > 0);
    const claims = {
      iss: issuer,
      sub: asked.username ?? '',
      aud: service,
      exp: now + lifetime - leewaySeconds,
      nbf: now - 10,
      iat: now,
      jti: randomBytes(8).toString('hex'),
      access,
    };
    const token = sign({ typ: 'JWT', alg: 'RS256', x5c: [certificate] }, claims, key);
    const issued = { expires_in: lifetime, issued_at: new Date(now * 1000).toISOString() };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ token, access_token: token, ...issued }));
  };

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  };
  const server = options.tls
    ? createTlsServer(
        { cert: await readFile(options.tls.certificateFile), key: await readFile(options.tls.keyFile) },
        listener,
      )
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('start token server: no port');
  return {
    realm: `${options.tls ? 'https' : 'http'}://127.0.0.1:${address.port}/token`,
    issuer,
    service,
    certificateFile: signer.certificateFile,
    identityToken,
    requests: () => [...requests],
    stop: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The client and scopes of a request: GET with basic credentials (or none), or the OAuth2 form by POST. */
async function readRequest(
  request: IncomingMessage,
  { username, password }: TokenServerOptions,
  identityToken: string,
): Promise<{ scopes: string[]; username: string | undefined; allowed: boolean }> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (request.method === 'POST') {
    const form = new URLSearchParams(await text(request));
    const byToken = form.get('grant_type') === 'refresh_token' && form.get('refresh_token') === identityToken;
    const byPassword = form.get('username') === username && form.get('password') === password;
    const allowed = form.get('service') === service && (byToken || byPassword);
    return { scopes: splitScopes(form), username: allowed ? username : undefined, allowed };
  }
  const scopes = splitScopes(url.searchParams);
  const given = request.headers.authorization;
  const ours = url.searchParams.get('service') === service && url.pathname === '/token';
  if (given === undefined) return { scopes, username: undefined, allowed: ours };
  const allowed = ours && given === `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  return { scopes, username: allowed ? username : undefined, allowed };
}

/** `scope` can be repeated, and each can contain several, separated by spaces. */
function splitScopes(params: URLSearchParams): string[] {
  return params
    .getAll('scope')
    .flatMap((scope) => scope.split(' '))
    .filter(Boolean);
}

/** `type:name:action,action`; the name can contain colons (a host with a port). */
function parseScope(scope: string): Access {
  const parts = scope.split(':');
  const actions = (parts.at(-1) ?? '').split(',').filter(Boolean);
  return { type: parts[0] ?? '', name: parts.slice(1, -1).join(':'), actions };
}

function sign(header: object, claims: object, key: string): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${encode(header)}.${encode(claims)}`;
  return `${body}.${createSign('RSA-SHA256').update(body).sign(key, 'base64url')}`;
}
