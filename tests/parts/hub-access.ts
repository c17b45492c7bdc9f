/** Access control of the hub: statuses, X-Error-Code and texts of a refusal as on huggingface.co. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** An account's access token. */
export interface HubToken {
  user: string;
  /** Gated repositories whose licence the account has accepted. */
  accepted?: string[];
  /** Gated repositories where the account's request for access is still pending. */
  pending?: string[];
  /** Private repositories it may read. */
  private?: string[];
  /** False: a fine-grained token without "read access to public gated repositories". */
  gatedRights?: boolean;
}

export interface Refusal {
  status: number;
  code?: string;
  message: string;
  headers?: Record<string, string>;
}

export interface Guarded {
  name: string;
  gated?: 'auto' | 'manual' | undefined;
  private?: boolean;
}

/** The token of a request: undefined without one, `unknown` for one that was not issued. */
export function tokenOf(
  request: IncomingMessage,
  tokens: Record<string, HubToken>,
): HubToken | 'unknown' | undefined {
  const given = request.headers.authorization;
  if (given === undefined) return undefined;
  const token = /^Bearer (\S+)$/i.exec(given)?.[1] ?? '';
  return Object.hasOwn(tokens, token) ? tokens[token] : 'unknown';
}

/** The refusal for a token that cannot see the repository: the same as for one that does not exist. */
export function refuseRepository(
  repository: Guarded | undefined,
  token: HubToken | 'unknown' | undefined,
): Refusal | undefined {
  if (token === 'unknown') return { status: 401, message: 'Invalid credentials in Authorization header' };
  const seen = repository && (!repository.private || token?.private?.includes(repository.name));
  if (seen) return undefined;
  return token === undefined
    ? { status: 401, code: 'RepoNotFound', message: 'Invalid username or password.' }
    : { status: 404, code: 'RepoNotFound', message: 'Repository not found' };
}

/** The refusal for a token that cannot read the repository's files; their listing is public. */
export function refuseFiles(
  repository: Guarded,
  token: HubToken | 'unknown' | undefined,
): Refusal | undefined {
  if (!repository.gated || token === 'unknown') return undefined;
  const { name } = repository;
  const restricted = `Access to model ${name} is restricted`;
  if (token === undefined) {
    const message = `${restricted}. You must have access to it and be authenticated to access it. Please log in.`;
    return { status: 401, code: 'GatedRepo', message };
  }
  if (token.gatedRights === false) {
    const message =
      'Please enable access to public gated repositories in your fine-grained token settings to view this repository.';
    return { status: 403, message };
  }
  if (token.accepted?.includes(name)) return undefined;
  const message = token.pending?.includes(name)
    ? `Your request to access model ${name} is awaiting a review from the repo authors.`
    : `${restricted} and you are not in the authorized list. Visit https://huggingface.co/${name} to ask for access.`;
  return { status: 403, code: 'GatedRepo', message };
}

/** Sends a refusal as the hub does: text in a header, and as JSON from the API or as text elsewhere. */
export function refuse(response: ServerResponse, refusal: Refusal, json: boolean): void {
  const { status, code, message, headers } = refusal;
  const body = json ? JSON.stringify({ error: message }) : message;
  response.writeHead(status, {
    'content-type': json ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(code && { 'x-error-code': code }),
    'x-error-message': message,
    'access-control-expose-headers': 'X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
